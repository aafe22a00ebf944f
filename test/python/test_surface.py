"""The surface of sglang-router 0.3.2: what programs import and call, and the fields and flags, compared by machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CALLS = Path(__file__).with_name("surface_calls.py")
CACHE = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
PEERS = Path(os.environ.get("BENCH_PEERS_DIR") or Path(CACHE) / "sglang-router-bench")
PEER = PEERS / "sglang-router/bin/python"

needs_peer = pytest.mark.skipif(not PEER.exists(), reason="scripts/install-peers sglang-router brings it")


def surface(python: str | Path) -> dict:
    done = subprocess.run([str(python), str(CALLS)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    # 0.3.2's version goes to standard output too.
    return json.loads(done.stdout[done.stdout.index('{"calls"') :])


@pytest.fixture(scope="module")
def ours() -> dict:
    return surface(sys.executable)


@pytest.fixture(scope="module")
def theirs() -> dict:
    return surface(PEER)


def test_every_call_holds_here(ours):
    assert ours["calls"] >= 40
    assert ours["failures"] == {}


@needs_peer
def test_every_call_holds_there(theirs):
    assert theirs["failures"] == {}


@needs_peer
def test_fields_are_those_of_0_3_2_in_order_with_its_types_and_defaults(ours, theirs):
    expected = theirs["described"]["fields"]
    assert ours["described"]["fields"][: len(expected)] == expected


@needs_peer
def test_flags_are_those_of_0_3_2_with_its_names_and_defaults(ours, theirs):
    flags = ours["described"]["flags"]
    assert {flag: flags.get(flag) for flag in theirs["described"]["flags"]} == theirs["described"]["flags"]
