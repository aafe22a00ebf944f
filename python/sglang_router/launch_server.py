"""`python -m sglang_router.launch_server`: starts SGLang servers and routes requests to them."""

from __future__ import annotations

import sys

from sglang_router._node import execute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def main(args: list[str] | None = None) -> NoReturn:
    """Becomes the launcher; `args` are those of the command line unless given."""
    words = sys.argv[1:] if args is None else args
    execute("sglang-router", ["server", *words], prog="python -m sglang_router.launch_server")


if __name__ == "__main__":
    main()
