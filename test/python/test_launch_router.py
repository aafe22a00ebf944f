from __future__ import annotations

import os
import signal
import subprocess
import sys
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


def test_an_error_of_the_router_is_raised(capfd):
    with pytest.raises(RuntimeError, match="exit code 2"):
        launch_router(RouterArgs(port=-1))
    assert "error: --port" in capfd.readouterr().err
