"""The examples of the manual, as printed there, against a co-launch of simulated engines."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
import requests

from conftest import pick_port

QUESTION = "What is the capital of France?"
MESSAGES = [{"role": "user", "content": QUESTION}]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where four simulated engines are served; afterwards, that Ctrl-C ends it all with exit code 0."""
    logs = tmp_path_factory.mktemp("logs")
    command = [sys.executable, "-m", "sglang_router.launch_server", "--sim", "--dp-size", "4"]
    with subprocess.Popen(
        [*command, "--port", str(pick_port()), "--router-log-dir", str(logs)], stdout=subprocess.PIPE, text=True
    ) as launcher:
        ready = next(line for line in launcher.stdout if line.startswith("READY "))
        yield json.loads(ready.removeprefix("READY "))["url"]
        launcher.send_signal(signal.SIGINT)
        launcher.stdout.read()
    assert launcher.returncode == 0


def test_generate_as_the_manual_has_it(url):
    data = {"text": QUESTION, "sampling_params": {"temperature": 0.7, "max_new_tokens": 100}}
    response = requests.post(f"{url}/generate", json=data)
    assert response.json()["meta_info"]["completion_tokens"] == 100


def test_the_dashboard_is_in_the_package(url):
    page = requests.get(f"{url}/dashboard").text
    for file in ("dashboard/page.js", "dashboard/page.css"):
        assert file in page
        assert requests.get(f"{url}/{file}").ok
    assert requests.get(f"{url}/dashboard/uPlot.esm.js").ok
    assert requests.get(f"{url}/dashboard/snapshot").json()["router"]["state"] == "serving"


def test_chat_as_the_manual_has_it(url):
    data = {"model": "meta-llama/Meta-Llama-3.1-8B-Instruct", "messages": MESSAGES}
    response = requests.post(f"{url}/v1/chat/completions", json=data)
    assert response.json()["choices"][0]["message"]["content"]


def test_requests_go_to_every_server(url):
    def worker(prompt: str) -> str:
        data = {"text": prompt, "sampling_params": {"max_new_tokens": 1}}
        return requests.post(f"{url}/generate", json=data).headers["x-sglang-router-worker"]

    assert len({worker(f"{number} {QUESTION}") for number in range(32)}) == 4
