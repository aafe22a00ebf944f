from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import answers, wait_until
from sglang_router.launch_router import RouterArgs, launch_router

SERVE = """
import sys
from sglang_router.launch_router import RouterArgs, launch_router
launch_router(RouterArgs(port=int(sys.argv[1]), policy="round_robin", shutdown_grace_period_secs=5))
print("returned")
"""


def start(port: int) -> subprocess.Popen[str]:
    child = subprocess.Popen([sys.executable, "-c", SERVE, str(port)], stdout=subprocess.PIPE, text=True)
    wait_until("the router", lambda: answers(f"http://127.0.0.1:{port}/liveness"))
    return child


def is_bound(port: int) -> bool:
    wanted = f":{port:04X} "
    return any(wanted in line and " 0A " in line for line in Path("/proc/net/tcp").read_text().splitlines())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_blocks_until_a_signal_ends_the_router(free_port, number):
    with start(free_port) as child:
        child.send_signal(number)
        assert child.stdout.read() == "returned\n"
    assert child.returncode == 0
    assert not answers(f"http://127.0.0.1:{free_port}/liveness")


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel offers it on Linux only")
def test_the_router_does_not_outlive_its_caller(free_port):
    with start(free_port) as child:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        wait_until("the end of the router", lambda: not is_bound(free_port))


def command_lines() -> Iterator[str]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # It has ended meanwhile.
            yield path.read_text(errors="replace")


@pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")
def test_the_key_is_on_no_command_line(free_port):
    code = SERVE.replace("policy=", 'api_key="the-key-of-the-router", policy=')
    with subprocess.Popen([sys.executable, "-c", code, str(free_port)], stdout=subprocess.DEVNULL) as child:
        try:
            url = f"http://127.0.0.1:{free_port}"
            wait_until("the router", lambda: answers(f"{url}/liveness"))
            ours = [line for line in command_lines() if f"--port={free_port}" in line]
            assert ours
            assert not any("the-key-of-the-router" in line for line in ours)
            assert not answers(f"{url}/list_workers")
            headers = {"authorization": "Bearer the-key-of-the-router"}
            request = urllib.request.Request(f"{url}/list_workers", headers=headers)
            assert urllib.request.urlopen(request).status == 200
        finally:
            child.terminate()


def test_what_frameworks_import_is_in_either_module():
    from sglang_router import launch_router as router
    from sglang_router import launch_server as server

    for name in ("RouterArgs", "launch_router", "parse_router_args"):
        assert getattr(server, name) is getattr(router, name)


def test_an_error_of_the_router_is_raised(capfd):
    with pytest.raises(RuntimeError, match="exit code 2"):
        launch_router(RouterArgs(port=-1))
    assert "error: --port" in capfd.readouterr().err
