"""`python -m sglang_router.launch_router` becomes the router; `launch_router(args)` runs one and waits for it."""

from __future__ import annotations

import sys

from sglang_router._node import execute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from sglang_router._run import launch_router
    from sglang_router.router_args import RouterArgs, parse_router_args

__all__ = ["RouterArgs", "launch_router", "main", "parse_router_args"]


def __getattr__(name: str) -> object:
    # What frameworks import from here is not loaded for `python -m`.
    if name == "launch_router":
        from sglang_router import _run as module
    elif name in __all__:
        from sglang_router import router_args as module
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(module, name)


def main(args: list[str] | None = None) -> NoReturn:
    """Becomes the router; `args` are those of the command line unless given."""
    words = sys.argv[1:] if args is None else args
    execute("sglang-router", ["router", *words], prog="python -m sglang_router.launch_router")


if __name__ == "__main__":
    main()
