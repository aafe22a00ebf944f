"""Runs a router as a child process, for programs that go on after it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

from sglang_router._node import command_of, environment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sglang_router.router_args import RouterArgs

# Runs in a Python of its own: a function between fork and exec is not safe in a process with threads.
DIE_WITH_PARENT = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""


def run_router(args: RouterArgs) -> None:
    """Runs a router until it ends.

    SIGTERM and SIGINT are passed on to it when this is called in the main thread, so that it drains; on Linux it never
    outlives this process. Raises RuntimeError when it ends with an error, which it has printed by then.
    """
    words, secrets = args.to_command()
    code = run("sglang-router", ["router", *words], secrets)
    if code != 0:
        raise RuntimeError(f"the router ended with exit code {code}")


def run(program: str, words: list[str], variables: dict[str, str] | None = None) -> int:
    """Runs a program of this package to its end; returns its exit code."""
    env = {**environment(), **(variables or {})}
    # A session of its own: Ctrl-C reaches it once, from us, for a second one means "at once".
    with subprocess.Popen(bound_to_us([*command_of(program), *words]), env=env, start_new_session=True) as child:
        return wait(child)


def bound_to_us(command: list[str]) -> list[str]:
    """The command such that the kernel kills it with this process, where the kernel can."""
    if sys.platform != "linux" or not sys.executable:
        return command
    return [sys.executable, "-I", "-S", "-c", DIE_WITH_PARENT, str(os.getpid()), *command]


def wait(child: subprocess.Popen[bytes]) -> int:
    """Waits for the child, passing signals on meanwhile."""
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            before[number] = signal.signal(number, lambda received, _frame: child.send_signal(received))
    try:
        return child.wait()
    finally:
        child.kill()  # Does nothing once it has ended.
        for number, handler in before.items():
            signal.signal(number, handler)
