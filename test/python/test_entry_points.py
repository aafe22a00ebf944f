from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

import pytest

from conftest import run_module

SHOW = """
case $1 in --max-*) shift ;; esac
echo "$$|$SGLANG_ROUTER_PYTHON|$SGLANG_ROUTER_PROG|${1##*/}"
shift
for word in "$@"; do echo "$word"; done
exit 7
"""


@pytest.mark.parametrize(
    ("module", "prog", "command"),
    [
        ("sglang_router.launch_server", "python -m sglang_router.launch_server", ["server"]),
        ("sglang_router.launch_router", "python -m sglang_router.launch_router", ["router"]),
        ("sglang_router", "", []),
    ],
)
def test_the_process_becomes_the_program(fake_node, module, prog, command):
    env = {**os.environ, "SGLANG_ROUTER_NODE": fake_node("v24.0.0", SHOW), "SGLANG_ROUTER_PROG": "stale"}
    env.pop("SGLANG_ROUTER_PYTHON", None)
    words = ["--odd value", "", "--x=ü"]
    with subprocess.Popen([sys.executable, "-m", module, *words], stdout=subprocess.PIPE, text=True, env=env) as child:
        told, *args = child.stdout.read().splitlines()
    pid, python, name, program = told.split("|")
    assert (int(pid), name, program) == (child.pid, prog, "sglang-router.mjs")
    assert os.path.samefile(python, sys.executable)
    assert args == [*command, *words]
    assert child.returncode == 7


def test_the_python_of_the_servers_can_be_chosen(fake_node):
    node = fake_node("v24.0.0", SHOW)
    done = run_module("sglang_router", SGLANG_ROUTER_NODE=node, SGLANG_ROUTER_PYTHON="/other/python")
    assert done.stdout.split("|")[1] == "/other/python"


def test_signals_reach_the_program(fake_node):
    env = {**os.environ, "SGLANG_ROUTER_NODE": fake_node("v24.0.0", "echo up; read line")}
    command = [sys.executable, "-m", "sglang_router.launch_router"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env) as child:
        assert child.stdout.readline() == "up\n"
        child.send_signal(signal.SIGTERM)
        assert child.wait(60) == -signal.SIGTERM


def test_version():
    from sglang_router import __version__
    from sglang_router.version import __version__ as same

    done = run_module("sglang_router", "--version")
    assert done.returncode == 0
    assert re.match(rf"sglang-router {re.escape(__version__)} ", done.stdout)
    assert same == __version__


@pytest.mark.parametrize("module", ["sglang_router.launch_server", "sglang_router.launch_router"])
def test_help_imports_little(module):
    done = subprocess.run([sys.executable, "-X", "importtime", "-m", module, "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stdout.startswith(f"Usage: python -m {module} ")
    imported = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines()}
    assert "sglang_router._node" in imported
    assert not imported & {"sglang", "torch", "requests", "argparse", "json", "subprocess"}


def test_usage_errors_exit_with_2():
    done = run_module("sglang_router.launch_router", "--polcy", "random")
    assert done.returncode == 2
    assert "did you mean --policy?" in done.stderr


def test_no_node_is_one_clear_error():
    done = run_module("sglang_router.launch_server", "--help", SGLANG_ROUTER_NODE="/nowhere/node")
    assert done.returncode == 1
    assert done.stderr.startswith(
        "error: no Node 24 or newer found. Looked in:\n  SGLANG_ROUTER_NODE=/nowhere/node: not there"
    )
