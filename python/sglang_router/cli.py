"""The console scripts `smg` and `amg`: the program with its commands, as under `sglang-router`."""

from __future__ import annotations

import sys

from sglang_router._node import execute


def main(argv: list[str] | None = None) -> None:
    """Becomes the program; with `argv` given runs it, and returns when the command has ended well."""
    if argv is None:
        execute("sglang-router", sys.argv[1:])
    from sglang_router._run import run

    code = run("sglang-router", argv)
    if code != 0 or not argv or argv[0].startswith("-"):
        sys.exit(code)


if __name__ == "__main__":
    main()
