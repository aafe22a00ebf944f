"""Runs one SGLang server for the launcher: `python server_process.py ARGS` is `python -m sglang.launch_server ARGS`
that leaves nothing behind. Standard library only, Python 3.9 or newer.

The launcher gives this process a pipe as stdin that it never writes. The process forks before anything is imported:
the child becomes the server, and this one stays as its guardian, a few lines that

- pass signals on to the server and end as it ended;
- kill whatever the server started when the server is gone, or everything when the launcher's end of the pipe closes,
  which it does however the launcher ends.

On Linux the kernel hands orphans of the tree to the guardian, so that none escapes it or stays as a zombie, and the
server dies with the guardian should someone kill that.
"""

import ctypes
import glob
import os
import resource
import runpy
import signal
import sys
import threading
import time

PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15
PR_SET_CHILD_SUBREAPER = 36

PASSED_ON = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT}
LAUNCHER_GONE = signal.SIGUSR1
WATCHED = PASSED_ON | {signal.SIGCHLD, LAUNCHER_GONE}


def main() -> None:
    guardian = os.getpid()
    # Blocked from before the fork on, so that no signal comes too early; the guardian fetches them with sigwait.
    signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    server = os.fork()
    if server == 0:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != guardian:
            os._exit(1)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, WATCHED)
        read_nothing()
        run_sglang()
    else:
        guard(server)


def read_nothing() -> None:
    """The pipe is the guardian's; the server gets an empty stdin."""
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)


def run_sglang() -> None:
    """In this process and as `__main__`, as `python -m` does it: SGLang's own processes import `__main__` again."""
    here = os.path.dirname(os.path.abspath(__file__))
    if sys.path and os.path.abspath(sys.path[0]) == here:
        sys.path[0] = os.getcwd()
    runpy.run_module("sglang.launch_server", run_name="__main__", alter_sys=True)


def guard(server: int) -> None:
    """Never returns: ends the process as the server ended."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    prctl(PR_SET_NAME, b"sglang-guardian")
    # A signal that is ignored by default is only kept for sigwait if it has a handler.
    signal.signal(signal.SIGCHLD, lambda *_: None)
    threading.Thread(target=watch_launcher, daemon=True).start()
    while True:
        number = signal.sigwait(WATCHED)
        if number == LAUNCHER_GONE:
            try:
                kill_descendants()
            finally:
                os.killpg(0, signal.SIGKILL)
        elif number == signal.SIGCHLD:
            status = reap(server)
            if status is not None:
                try:
                    kill_descendants()
                finally:
                    end_as(status)
        else:
            os.kill(server, number)


def watch_launcher() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), LAUNCHER_GONE)


def reap(server: int):
    """Takes leave of all children that ended; the server's status when it is among them."""
    status = None
    while True:
        try:
            pid, ended = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return status
        if pid == 0:
            return status
        if pid == server:
            status = ended


def kill_descendants() -> None:
    """Kills the children until there are none: the children of those become ours in turn. Gives up after some 5 s."""
    if sys.platform != "linux":
        return
    for _ in range(500):
        for pid in own_children():
            os.kill(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0] != 0:
                pass
        except ChildProcessError:
            return
        time.sleep(0.01)


def own_children() -> list:
    pids = []
    for file in glob.glob("/proc/self/task/*/children"):
        try:
            with open(file) as text:
                pids += [int(pid) for pid in text.read().split()]
        except OSError:
            pass  # That thread has just ended.
    return pids


def end_as(status: int) -> None:
    if os.WIFSIGNALED(status):
        # The server has left its core file, if any: one is enough.
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
        number = os.WTERMSIG(status)
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
        os.kill(os.getpid(), number)
    os._exit(os.WEXITSTATUS(status))


def prctl(option: int, value) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    main()
