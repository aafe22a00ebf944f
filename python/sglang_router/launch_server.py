"""`python -m sglang_router.launch_server`: starts SGLang servers and routes requests to them."""

from __future__ import annotations

import sys

from sglang_router._node import execute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from sglang_router.launch_router import RouterArgs, launch_router, parse_router_args

__all__ = ["RouterArgs", "launch_router", "main", "parse_router_args"]


def __getattr__(name: str) -> object:
    # 0.3.2 has them here too, and frameworks import them from here; `python -m` does without.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from sglang_router import launch_router as module

    return getattr(module, name)


def main(args: list[str] | None = None) -> NoReturn:
    """Becomes the launcher; `args` are those of the command line unless given."""
    words = sys.argv[1:] if args is None else args
    execute("sglang-router", ["server", *words], prog="python -m sglang_router.launch_server")


if __name__ == "__main__":
    main()
