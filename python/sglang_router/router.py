"""`Router.from_args(args).start()`: a router in a process of its own, as Python programs start it."""

from __future__ import annotations

import logging

from sglang_router.router_args import RouterArgs
from sglang_router.sglang_router_rs import BackendType, HistoryBackendType, PolicyType
from sglang_router.sglang_router_rs import Router as _Router

__all__ = ["Router", "RouterArgs", "backend_from_str", "history_backend_from_str", "policy_from_str"]

logger = logging.getLogger("router")

_POLICIES = {
    "random": PolicyType.Random,
    "round_robin": PolicyType.RoundRobin,
    "cache_aware": PolicyType.CacheAware,
    "power_of_two": PolicyType.PowerOfTwo,
    "bucket": PolicyType.Bucket,
    "manual": PolicyType.Manual,
    "consistent_hashing": PolicyType.ConsistentHashing,
    "prefix_hash": PolicyType.PrefixHash,
}


def policy_from_str(policy_str: str | None) -> PolicyType | None:
    """The policy of that name; KeyError for one that 0.3.2 has not."""
    return None if policy_str is None else _POLICIES[policy_str]


def backend_from_str(backend_str: str | BackendType | None) -> BackendType:
    """The backend of that name, in any case; SGLang without one."""
    if isinstance(backend_str, BackendType):
        return backend_str
    name = (backend_str or "sglang").capitalize()
    if name not in BackendType.__members__:
        raise ValueError(f"Unknown backend: {backend_str}. Valid options: sglang, openai")
    return BackendType[name]


def history_backend_from_str(backend_str: str | HistoryBackendType | None) -> HistoryBackendType:
    """The history backend of that name, in any case; memory without one."""
    if isinstance(backend_str, HistoryBackendType):
        return backend_str
    name = (backend_str or "memory").capitalize()
    if name not in HistoryBackendType.__members__:
        raise ValueError(f"Unknown history backend: {backend_str}")
    return HistoryBackendType[name]


class Router:
    """A router with its settings; `start` runs it."""

    def __init__(self, router: _Router) -> None:
        self._router = router

    @staticmethod
    def from_args(args: RouterArgs) -> Router:
        """A router with these settings, which are copied; as in 0.3.2, URLs of the other mode are left out."""
        others = ("worker_urls",) if args.pd_disaggregation else ("prefill_urls", "decode_urls")
        return Router(_Router(**{**vars(args), **{name: [] for name in others}}))

    def start(self) -> None:
        """Runs the router until it ends; raises RuntimeError when it ends with an error."""
        self._router.start()
