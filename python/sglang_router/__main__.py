"""`python -m sglang_router` and the console scripts: the program with its commands."""

from __future__ import annotations

import sys

from sglang_router._node import execute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def main() -> NoReturn:
    """`sglang-router COMMAND ARGS`."""
    execute("sglang-router", sys.argv[1:])


def launch() -> NoReturn:
    """`sglang-launch ARGS`: a co-launch unless a command is named."""
    execute("sglang-launch", sys.argv[1:])


if __name__ == "__main__":
    main()
