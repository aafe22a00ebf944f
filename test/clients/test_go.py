from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import ANSWER_TOKENS, KEY


@pytest.mark.skipif(shutil.which("go") is None, reason="there is no Go here")
def test_net_http(service):
    command = ["go", "run", ".", service.url, KEY]
    folder = Path(__file__).with_name("go")
    # Nothing is fetched: it needs the standard library alone.
    env = {**os.environ, "GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["Protocol"] == "HTTP/1.1"
    assert told["Whole"]["text"] == told["Streamed"]["text"] != ""
    assert told["Whole"]["meta_info"]["completion_tokens"] == ANSWER_TOKENS
    assert told["Streamed"]["meta_info"]["completion_tokens"] == ANSWER_TOKENS
    assert told["Done"]
    assert told["Events"] > 1
    assert 0 < told["FirstSecs"] < told["TotalSecs"]
    assert told["AtOnce"] == 100
    assert told["WrongKey"] == 401
