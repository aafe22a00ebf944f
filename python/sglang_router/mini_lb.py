"""0.3.2's load balancer for debugging prefill-decode disaggregation: here it is the router with the policy `random`."""

from __future__ import annotations

import dataclasses

from sglang_router.router_args import RouterArgs


class MiniLoadBalancer:
    """Pairs of prefill and decode servers, chosen at random."""

    def __init__(self, router_args: RouterArgs) -> None:
        if not router_args.pd_disaggregation:
            raise ValueError("MiniLB only supports PD disaggregation mode")
        if not router_args.prefill_urls or not router_args.decode_urls:
            raise ValueError("MiniLB requires at least one prefill and one decode server")
        self._args = dataclasses.replace(router_args, policy="random", prefill_policy=None, decode_policy=None)

    def start(self) -> None:
        """Runs it until it ends."""
        from sglang_router._run import run_router

        run_router(self._args)
