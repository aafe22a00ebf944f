"""`python -m sglang_router.launch_router` becomes the router; `launch_router(args)` runs one and waits for it."""

from __future__ import annotations

import sys

from sglang_router._node import execute

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import NoReturn

    from sglang_router.mini_lb import MiniLoadBalancer
    from sglang_router.router import Router, logger
    from sglang_router.router_args import RouterArgs, parse_router_args

__all__ = ["MiniLoadBalancer", "Router", "RouterArgs", "launch_router", "logger", "main", "parse_router_args"]

# What frameworks import from here is not loaded for `python -m`.
_FROM = {"MiniLoadBalancer": "mini_lb", "RouterArgs": "router_args", "parse_router_args": "router_args"}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"sglang_router.{_FROM.get(name, 'router')}"), name)


def launch_router(args: argparse.Namespace | RouterArgs) -> None:
    """Runs a router until it ends; raises what stops it from starting."""
    from sglang_router import launch_router as names  # Looked up here, where callers put others in their place.

    router_args = args if isinstance(args, names.RouterArgs) else names.RouterArgs.from_cli_args(args)
    try:
        router_args._validate_router_args()
        kind = names.MiniLoadBalancer if router_args.mini_lb else names.Router.from_args
        kind(router_args).start()
    except Exception as error:
        names.logger.error("Error starting router: %s", error)
        raise


def main(args: list[str] | None = None) -> NoReturn:
    """Becomes the router; `args` are those of the command line unless given."""
    words = sys.argv[1:] if args is None else args
    execute("sglang-router", ["router", *words], prog="python -m sglang_router.launch_router")


if __name__ == "__main__":
    main()
