"""A router before two simulated engines, in a process of its own, and what the clients need to call it."""

from __future__ import annotations

import itertools
import json
import os
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODEL = "simulated"
KEY = "the-key"
QUESTION = "What is the capital of France?"
MESSAGES = [{"role": "user", "content": QUESTION}]
ANSWER_TOKENS = 16


@dataclass(frozen=True)
class Service:
    url: str
    answer: str
    """What the engines say to QUESTION in a chat, in ANSWER_TOKENS tokens."""
    prompt_tokens: int
    """How many tokens QUESTION has as a chat."""


@pytest.fixture(scope="session", autouse=True)
def nothing_from_outside() -> Iterator[None]:
    """Proxies, keys and addresses that this machine sets for clients concern no test."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.lower().endswith("_proxy") or name.startswith(("OPENAI_", "ANTHROPIC_", "LITELLM_", "HF_")):
                patch.delenv(name)
        # The list of prices in the package will do.
        patch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        yield


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Both engines answer a question alike, so that what clients read can be compared with what was written."""
    command = ["node", "src/main.ts", "server", "--sim", "--dp-size", "2", "--served-model-name", MODEL]
    command += ["--port", str(free_port()), "--router-prometheus-port", "0", "--router-api-key", KEY]
    command += ["--router-log-level", "warning", "--router-log-dir", str(tmp_path_factory.mktemp("logs"))]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as launcher:
        try:
            ready = next((line for line in launcher.stdout if line.startswith("READY ")), None)
            assert ready is not None, "the router did not start"
            url = json.loads(ready.removeprefix("READY "))["url"]
            yield Service(url, *asked_without_a_client(url))
        finally:
            launcher.terminate()
            launcher.stdout.read()


def asked_without_a_client(url: str) -> tuple[str, int]:
    """The answer to QUESTION over a bare socket: what no client has read, so that no client can have changed it."""
    host, port = url.removeprefix("http://").split(":")
    body = json.dumps({"model": MODEL, "messages": MESSAGES, "max_tokens": ANSWER_TOKENS})
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\nauthorization: Bearer {KEY}\r\n"
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(f"{head}content-length: {len(body)}\r\n\r\n{body}".encode())
        answer = json.loads(connection.makefile("rb").read().partition(b"\r\n\r\n")[2])
    return answer["choices"][0]["message"]["content"], answer["usage"]["prompt_tokens"]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer whose tokens are words that are one token for the engines too."""
    syllables = ["".join(letters) for letters in itertools.product("bdfgklmn", "aeiou")]
    words = ["<unk>", "<s>", "</s>", *("".join(pair) for pair in itertools.product(syllables, syllables))]
    vocabulary = {word: number for number, word in enumerate(words)}
    model = {"type": "WordLevel", "vocab": vocabulary, "unk_token": "<unk>"}
    special = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}
    folder = tmp_path_factory.mktemp("tokenizer")
    (folder / "tokenizer.json").write_text(
        json.dumps({"version": "1.0", "added_tokens": [], "pre_tokenizer": {"type": "WhitespaceSplit"}, "model": model})
    )
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 100_000, **special})
    )
    return folder
