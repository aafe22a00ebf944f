"""The first requests of scripts/quickstart, with nothing but the standard library."""

from __future__ import annotations

import json
import socket
import sys
import urllib.request
from collections import Counter
from typing import Any

COUNTRIES = ["France", "Japan", "Kenya", "Peru", "Norway", "India", "Canada", "Egypt"]


def main(url: str) -> None:
    served: Counter[str] = Counter()
    first, second, third, *others = [f"What is the capital of {country}?" for country in COUNTRIES]
    with post(url, "/generate", generate(first), served) as answer:
        print(f"\n/generate        {json.load(answer)['text']!r}")
    with post(url, "/v1/chat/completions", chat(second), served) as answer:
        print(f"chat             {json.load(answer)['choices'][0]['message']['content']!r}")
    with post(url, "/v1/chat/completions", {**chat(third), "stream": True}, served) as answer:
        print(f"chat, streamed   {''.join(deltas(answer))!r}")
    for prompt in others:
        post(url, "/generate", generate(prompt), served).close()
    print("Simulated engines have no model: they make up their text.")

    print("\nrequests that each engine served")
    for engine, count in sorted(served.items()):
        print(f"  {engine}  {'#' * count} {count}")


def generate(prompt: str) -> dict[str, Any]:
    return {"text": prompt, "sampling_params": {"max_new_tokens": 12}}


def chat(prompt: str) -> dict[str, Any]:
    return {"model": "default", "messages": [{"role": "user", "content": prompt}], "max_tokens": 12}


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


def banner(url: str) -> None:
    print("\n  serving until Ctrl-C\n")
    print(f"  Local      {url}")
    print("  Model      simulated: no GPU, and the text is made up")
    print(f"  Dashboard  {url}/dashboard")
    print("  With GPUs  sglang-launch --model-path MODEL --dp-size 4")
    print(f"\n  curl {url}/generate -H 'content-type: application/json' \\")
    print('    -d \'{"text": "The capital of France is"}\'\n', flush=True)


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
    elif sys.argv[1] == "--banner":
        banner(sys.argv[2])
    else:
        main(sys.argv[1])
