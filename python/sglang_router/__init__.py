"""One command turns a box of GPUs into one inference endpoint.

The program itself runs on Node; this package finds a Node, starts the program on it, and offers the names that Python
frameworks import: `RouterArgs` and `launch_router` in `sglang_router.launch_router`.
"""


def __getattr__(name: str) -> str:
    # Reading the metadata takes as long as starting the program: only who asks pays for it.
    if name == "__version__":
        from importlib.metadata import version

        return version("sglang-router")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
