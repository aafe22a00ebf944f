"""The version, under the name that other packages import."""

from sglang_router import __version__

__all__ = ["__version__"]
