from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from conftest import answers, pick_port, wait_until
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


def is_there(port: int) -> bool:
    """Whether anything is left of a router. One that ends has no command line any more, and its socket for a moment."""
    return is_bound(port) or any(f"--port={port}" in line for line in command_lines())


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


def serve(args: RouterArgs) -> None:
    """What a child of multiprocessing runs: the names that frameworks import, looked up in a fresh process."""
    from sglang_router.launch_router import launch_router

    launch_router(args)


needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")


@needs_linux
@pytest.mark.parametrize("way", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("patience_secs", [60, 0])
def test_in_a_process_of_multiprocessing_it_serves_and_leaves_nothing(free_port, way, patience_secs):
    target = launch_router if way == "spawn" else serve
    args = RouterArgs(host="127.0.0.1", port=free_port, prometheus_port=0)
    process = multiprocessing.get_context(way).Process(target=target, args=(args,))
    process.start()
    try:
        wait_until("the router", lambda: answers(f"http://127.0.0.1:{free_port}/liveness"))
        process.terminate()
        process.join(patience_secs)
    finally:
        process.kill()
    process.join()
    wait_until("the end of the router", lambda: not is_there(free_port))


@needs_linux
def test_an_open_stream_does_not_keep_the_router_of_a_killed_process(free_port):
    args = RouterArgs(host="127.0.0.1", port=free_port, prometheus_port=0)
    process = multiprocessing.get_context("spawn").Process(target=launch_router, args=(args,))
    process.start()
    wait_until("the router", lambda: answers(f"http://127.0.0.1:{free_port}/liveness"))
    # It waits for a worker, so that the router drains for as long as it may.
    body = b'{"text": "a"}'
    head = f"POST /generate HTTP/1.1\r\nhost: a\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", free_port)) as waiting:
        waiting.sendall(head + body)
        process.terminate()
        process.join(1)
        process.kill()
        process.join()
        wait_until("the end of the router", lambda: not is_bound(free_port))


def test_the_router_is_made_of_the_names_that_callers_replace():
    with mock.patch("sglang_router.launch_router.Router") as router:
        args = RouterArgs(port=5)
        assert launch_router(args) is None
        router.from_args.assert_called_once_with(args)
        router.from_args.return_value.start.assert_called_once_with()
        router.from_args.side_effect = ValueError("no")
        with pytest.raises(ValueError, match="no"):
            launch_router(args)


async def generate(port: int) -> int:
    """The status of one request over a connection of its own."""
    body = b'{"text": "a", "sampling_params": {"max_new_tokens": 1}}'
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        f"POST /generate HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    )
    writer.write(body)
    answer = await reader.read()
    writer.close()
    return int(answer.split(b" ", 2)[1])


async def generate_at_once(port: int, count: int) -> list[int]:
    return await asyncio.gather(*(generate(port) for _ in range(count)))


@needs_linux
@pytest.mark.parametrize("way", ["fork", "spawn", "forkserver"])
def test_a_burst_is_answered_whole(free_port, way):
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 4096:
        pytest.skip("too few files may be open")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4096), hard))
    engine_port = pick_port()
    command = [sys.executable, "-m", "sglang_router", "sim-engine", "--port", str(engine_port)]
    args = RouterArgs(
        worker_urls=[f"http://127.0.0.1:{engine_port}"], host="127.0.0.1", port=free_port, prometheus_port=0
    )
    process = multiprocessing.get_context(way).Process(target=launch_router, args=(args,))
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as engine:
        process.start()
        try:
            wait_until("a worker", lambda: answers(f"http://127.0.0.1:{free_port}/readiness"))
            statuses = asyncio.run(generate_at_once(free_port, 1024))
        finally:
            process.terminate()
            process.join()
            engine.terminate()
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert statuses == [200] * 1024
    wait_until("the end of the router", lambda: not is_there(free_port))
