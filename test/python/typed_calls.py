"""What type checkers make of the package: each line must pass, and those that say so must not. Never run."""

from __future__ import annotations

import argparse
import multiprocessing

from sglang_router import __version__
from sglang_router.launch_router import RouterArgs, launch_router, parse_router_args
from sglang_router.launch_server import RouterArgs as SameRouterArgs
from sglang_router.router import Router, policy_from_str
from sglang_router.sglang_router_rs import PolicyType

args = RouterArgs(worker_urls=["http://a:1"], host="127.0.0.1", port=30000, api_key=None)
same: SameRouterArgs = args
urls: list[str] = args.worker_urls
port: int = args.port
metrics_port: int | None = args.prometheus_port
version: str = __version__
policy: PolicyType | None = policy_from_str("round_robin")
parsed: RouterArgs = parse_router_args(["--port", "1"])
RouterArgs.add_cli_args(argparse.ArgumentParser(), use_router_prefix=True, exclude_host_port=True)
taken: RouterArgs = RouterArgs.from_cli_args(argparse.Namespace(), use_router_prefix=True)
Router.from_args(args).start()
multiprocessing.Process(target=launch_router, args=(args,))

wrong_type = RouterArgs(port="30000")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
wrong_name = RouterArgs(prot=30000)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
