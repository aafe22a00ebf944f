"""The first requests of scripts/quickstart, with nothing but the standard library."""

from __future__ import annotations

import json
import socket
import sys
import urllib.request
from collections import Counter
from typing import Any

PROMPT = "What is the capital of France?"
MESSAGES = [{"role": "user", "content": PROMPT}]


def main(url: str) -> None:
    served: Counter[str] = Counter()
    generate = {"text": PROMPT, "sampling_params": {"max_new_tokens": 16}}
    chat = {"model": "default", "messages": MESSAGES, "max_tokens": 16}

    with post(url, "/generate", generate, served) as answer:
        print(f"\n/generate            {json.load(answer)['text']!r}")
    with post(url, "/v1/chat/completions", chat, served) as answer:
        print(f"chat                 {json.load(answer)['choices'][0]['message']['content']!r}")
    with post(url, "/v1/chat/completions", {**chat, "stream": True}, served) as answer:
        print(f"chat, streamed       {''.join(deltas(answer))!r}")
    for _ in range(5):
        post(url, "/generate", generate, served).close()

    print("\nrequests served by each worker")
    for worker, count in sorted(served.items()):
        print(f"  {worker}  {'#' * count} {count}")
    print(f"\nTry it yourself:\n  curl {url}/v1/chat/completions -H 'content-type: application/json' \\")
    print(f"    -d '{json.dumps(chat)}'")


def post(url: str, path: str, body: dict[str, Any], served: Counter[str]) -> Any:
    data = json.dumps(body).encode()
    request = urllib.request.Request(url + path, data, {"content-type": "application/json"})
    answer = urllib.request.urlopen(request, timeout=60)
    served[answer.headers["x-sglang-router-worker"]] += 1
    return answer


def deltas(stream: Any) -> Any:
    """The text pieces of a streamed chat completion."""
    for line in stream:
        data = line.removeprefix(b"data: ").strip()
        if data and data != b"[DONE]":
            yield json.loads(data)["choices"][0]["delta"].get("content") or ""


def free_port(wanted: int) -> int:
    """`wanted` if nobody listens there, else a free one."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return probe.getsockname()[1]
    raise SystemExit("error: no free port on 127.0.0.1")


if __name__ == "__main__":
    if sys.argv[1] == "--free-port":
        print(free_port(int(sys.argv[2])))
    else:
        main(sys.argv[1])
