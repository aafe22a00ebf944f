from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Callable

import pytest

WAIT_SECS = 60


@pytest.fixture
def fake_node(tmp_path: Path) -> Callable[..., str]:
    """Makes a program that claims to be a Node: `--version` prints `version`, everything else runs `body`."""

    def make(version: str, body: str = "exit 0", folder: str = "bin") -> str:
        path = tmp_path / folder / "node"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'#!/bin/sh\nif [ "$1" = --version ]; then echo {version}; exit 0; fi\n{body}\n')
        path.chmod(0o755)
        return str(path)

    return make


@pytest.fixture
def free_port() -> int:
    return pick_port()


def pick_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def run_module(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
    """`python -m ARGS` to its end."""
    return subprocess.run(
        [sys.executable, "-m", *args], capture_output=True, text=True, timeout=WAIT_SECS, env={**os.environ, **env}
    )


def wait_until(what: str, holds: Callable[[], bool]) -> None:
    """Waits for something that another process does."""
    deadline = time.monotonic() + WAIT_SECS
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {WAIT_SECS} s for {what}")
        time.sleep(0.02)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return response.status == 200
    except OSError:
        return False
