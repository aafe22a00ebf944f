"""A scrape of a router that serves, read by the parser of Prometheus' own client."""

from __future__ import annotations

import signal
import subprocess
import sys

import requests
from prometheus_client.parser import text_string_to_metric_families

from conftest import answers, pick_port, wait_until


def test_a_scrape_is_what_prometheus_reads(tmp_path):
    port, metrics_port = pick_port(), pick_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "sglang_router.launch_server", "--sim", "--dp-size", "2", "--port", str(port)]
    own = ["--router-prometheus-port", str(metrics_port)]
    with subprocess.Popen([*command, *own, "--router-log-dir", str(tmp_path)], stdout=subprocess.DEVNULL) as launcher:
        try:
            wait_until("the servers", lambda: answers(f"{url}/readiness"))
            for stream in (True, False):
                data = {"text": "one two three", "sampling_params": {"max_new_tokens": 4}, "stream": stream}
                assert requests.post(f"{url}/generate", json=data).ok
            text = requests.get(f"http://127.0.0.1:{metrics_port}/metrics").text
        finally:
            launcher.send_signal(signal.SIGINT)
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert all(family.documentation and family.type != "unknown" for family in families.values())
    samples = [sample for family in families.values() for sample in family.samples]
    assert len({(sample.name, tuple(sorted(sample.labels.items()))) for sample in samples}) == len(samples)
    served = [sample for sample in samples if sample.name == "sgl_router_requests_total"]
    assert sum(sample.value for sample in served if sample.labels["route"] == "/generate") == 2
    health = [sample.value for sample in samples if sample.name == "sgl_router_worker_health"]
    assert health == [1, 1]
    assert "smg_worker_health" in families
