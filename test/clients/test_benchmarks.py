"""Benchmark programs, run as their users run them: no request fails, and the figures that they write can be true."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from conftest import KEY, MODEL

REQUESTS = 100
PROMPT_TOKENS = 50
ANSWER_TOKENS = 8

BENCH_SERVING = [
    *(sys.executable, "-m", "sglang.bench_serving", "--model", MODEL, "--num-prompts", str(REQUESTS)),
    *("--dataset-name", "random-ids", "--random-range-ratio", "1", "--random-input-len", str(PROMPT_TOKENS)),
    *("--random-output-len", str(ANSWER_TOKENS), "--output-file", "figures.json", "--disable-tqdm"),
]
AIPERF = [
    *(str(Path(sys.executable).with_name("aiperf")), "profile", "--model", MODEL, "--api-key", KEY),
    *("--endpoint-type", "chat", "--streaming", "--use-server-token-count", "--extra-inputs", "ignore_eos:true"),
    *("--isl", str(PROMPT_TOKENS), "--osl", str(ANSWER_TOKENS), "--random-seed", "1"),
    *("--request-count", str(REQUESTS), "--concurrency", "25", "--workers-max", "1", "--record-processors", "1"),
    *("--ui", "none", "--no-gpu-telemetry", "--artifact-dir", ".", "--profile-export-prefix", "figures"),
]
# How each program is run; bench_serving without an own limit on how many requests run at once, its default.
COMMANDS = {
    "generate": [*BENCH_SERVING, "--backend", "sglang", "--flush-cache"],
    "chat": [*BENCH_SERVING, "--backend", "sglang-oai-chat", "--disable-stream"],
    "aiperf": AIPERF,
}


@pytest.fixture(scope="module")
def figures(service, tokenizer, tmp_path_factory) -> Iterator[dict[str, Future[dict]]]:
    """What each program has measured; they run at the same time, as most of what each does is to start."""
    with ThreadPoolExecutor() as pool:
        started = {}
        for name, command in COMMANDS.items():
            address = ["--url" if name == "aiperf" else "--base-url", service.url, "--tokenizer", str(tokenizer)]
            started[name] = pool.submit(run, [*command, *address], tmp_path_factory.mktemp("figures"))
        yield started


def run(command: list[str], folder: Path) -> dict:
    env = {**os.environ, "OPENAI_API_KEY": KEY}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    return json.loads((folder / "figures.json").read_text())


@pytest.mark.parametrize("name", ["generate", "chat"])
def test_bench_serving(figures, name):
    measured = figures[name].result()
    assert measured["completed"] == REQUESTS
    assert measured["total_input_tokens"] == REQUESTS * PROMPT_TOKENS
    assert measured["total_output_tokens"] == REQUESTS * ANSWER_TOKENS
    assert measured["request_throughput"] > 0
    if name == "generate":
        assert 0 < measured["mean_ttft_ms"] < measured["mean_e2e_latency_ms"]
        assert measured["mean_itl_ms"] > 0


def test_aiperf(figures):
    written = figures["aiperf"].result().items()
    measured = {name: figure["avg"] for name, figure in written if isinstance(figure, dict) and "avg" in figure}
    assert measured["completed_request_count"] == measured["request_count"] == REQUESTS
    assert measured["request_error_rate"] == 0
    assert measured["total_usage_completion_tokens"] == REQUESTS * ANSWER_TOKENS
    assert measured["usage_prompt_tokens"] >= PROMPT_TOKENS
    assert 0 < measured["time_to_first_token"] < measured["request_latency"]
    assert measured["inter_token_latency"] > 0
