"""What programs import from sglang-router 0.3.2 and call: each line must hold here and there.

`python surface_calls.py` runs them in this Python, and prints those that fail as JSON.
"""

# ruff: noqa: E501
import argparse
import copy  # noqa: F401
import dataclasses
import inspect  # noqa: F401
import json
import pickle  # noqa: F401
import sys
import typing

from sglang_router.router_args import RouterArgs

PD = [
    *("--pd-disaggregation", "--prefill", "http://p:1", "9000", "--prefill", "http://q:1", "none"),
    *("--decode", "http://d:1"),
]
KEYS = ["--control-plane-api-keys", "a:The Admin:ADMIN:k:1", "b:Other:user:k2"]


def parse(words):
    from sglang_router.launch_router import parse_router_args

    return parse_router_args(words)


def beside_a_server(words):
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="10.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--api-key", default="of-the-server")
    RouterArgs.add_cli_args(parser, use_router_prefix=True, exclude_host_port=True)
    return RouterArgs.from_cli_args(parser.parse_args(words), use_router_prefix=True)


def raises(kind, call, text=""):
    try:
        call()
    except kind as error:
        return text in str(error)
    return False


CALLS = """
from sglang_router import __version__; assert __version__
from sglang_router.version import __version__
from sglang_router.launch_router import RouterArgs, launch_router
from sglang_router.launch_router import Router, parse_router_args, logger
from sglang_router.launch_router import MiniLoadBalancer
from sglang_router.mini_lb import MiniLoadBalancer; assert raises(ValueError, lambda: MiniLoadBalancer(RouterArgs()))
from sglang_router.router_args import RouterArgs as A; from sglang_router.launch_router import RouterArgs as B; assert A is B
from sglang_router.router import Router, policy_from_str, RouterArgs
from sglang_router.router import backend_from_str, history_backend_from_str
from sglang_router.router import Router; assert callable(Router.from_args) and callable(Router.start)
from sglang_router.router import Router; assert Router.from_args(RouterArgs(worker_urls=["http://a:1"])) is not None
from sglang_router.router import Router; Router.from_args(parse(PD))
from sglang_router.router import policy_from_str as p; from sglang_router.sglang_router_rs import PolicyType as T; assert p("round_robin") == T.RoundRobin
from sglang_router.router import policy_from_str as p; assert p(None) is None
from sglang_router.router import policy_from_str as p; assert raises(KeyError, lambda: p("no_such_policy"))
from sglang_router.router import policy_from_str as p; assert all(p(n) is not None for n in "random cache_aware power_of_two bucket manual".split())
from sglang_router.router import backend_from_str as b; from sglang_router.sglang_router_rs import BackendType as T; assert b("OpenAI") == T.Openai and b(None) == T.Sglang
from sglang_router.router import backend_from_str as b; assert raises(ValueError, lambda: b("x"), "Unknown backend: x")
from sglang_router.router import history_backend_from_str as h; from sglang_router.sglang_router_rs import HistoryBackendType as T; assert h("none") == getattr(T, "None") and h(None) == T.Memory
from sglang_router.sglang_router_rs import PolicyType; assert int(PolicyType.CacheAware) == 2 and repr(PolicyType.Random) == "PolicyType.Random"
from sglang_router.sglang_router_rs import BackendType, HistoryBackendType, PyRole; assert int(PyRole.User) == 1
from sglang_router.sglang_router_rs import PyApiKeyEntry, PyRole; e = PyApiKeyEntry("i", "n", "k", PyRole.Admin); assert (e.id, e.name, e.key) == ("i", "n", "k")
from sglang_router.sglang_router_rs import PyControlPlaneAuthConfig as C; assert C().api_keys == [] and C().jwt is None
from sglang_router.sglang_router_rs import PyJwtConfig, PyOracleConfig, PyPostgresConfig, PyRedisConfig; assert PyRedisConfig("redis://r").pool_max == 16
from sglang_router.sglang_router_rs import Router, PolicyType; Router(["http://a:1"], PolicyType.CacheAware)
from sglang_router.sglang_router_rs import Router, PolicyType; Router(worker_urls=["http://a:1"], policy=PolicyType.Random, host="127.0.0.1", port=1, api_key="k")
from sglang_router.sglang_router_rs import get_version_string, get_verbose_version_string; assert get_version_string() and get_verbose_version_string()
from sglang_router.sglang_router_rs import get_available_tool_call_parsers as g; assert isinstance(g(), list)
from sglang_router.cli import main; assert callable(main)
from sglang_router import cli; assert raises(SystemExit, lambda: cli.main(["--version"]), "0")
assert RouterArgs().max_concurrent_requests == -1 and RouterArgs().queue_size == 100
assert RouterArgs.policy == "cache_aware" and RouterArgs.max_idle_secs == 4 * 3600
assert RouterArgs(["http://a:1"], "127.0.0.1", 5) == RouterArgs(worker_urls=["http://a:1"], host="127.0.0.1", port=5)
assert RouterArgs().worker_urls is not RouterArgs().worker_urls
assert pickle.loads(pickle.dumps(RouterArgs(port=7))) == RouterArgs(port=7)
assert copy.deepcopy(RouterArgs(port=7)).port == 7 and dataclasses.replace(RouterArgs(), port=7).port == 7
assert vars(RouterArgs())["request_timeout_secs"] == 1800 and dataclasses.asdict(RouterArgs())["decode_urls"] == []
assert RouterArgs()._validate_router_args() is None
assert RouterArgs(pd_disaggregation=True, prefill_policy="random", decode_policy="random")._validate_router_args() is None
assert parse([]).max_concurrent_requests == -1 and parse([]).log_level == "info" and parse([]).prometheus_port == 29000
assert parse(["--worker-urls", "http://a:1", "http://b:2", "--policy", "random"]).worker_urls == ["http://a:1", "http://b:2"]
assert parse(PD).prefill_urls == [("http://p:1", 9000), ("http://q:1", None)] and parse(PD).decode_urls == ["http://d:1"]
assert raises(ValueError, lambda: parse(["--prefill", "http://p", "x"]), "Invalid bootstrap port: x. Must be a number or 'none'")
assert parse(KEYS).control_plane_api_keys == [("a", "The Admin", "k:1", "admin"), ("b", "Other", "k2", "user")]
assert raises(ValueError, lambda: parse(["--control-plane-api-keys", "a:b:c"]), "Invalid API key format")
assert raises(ValueError, lambda: parse(["--control-plane-api-keys", "a:b:boss:k"]), "Invalid role: 'boss'. Must be 'admin' or 'user'")
assert parse(["--jwt-role-mapping", "Gateway.Admin=ADMIN", "U=user"]).jwt_role_mapping == {"Gateway.Admin": "admin", "U": "user"}
assert raises(ValueError, lambda: parse(["--jwt-role-mapping", "x"]), "Invalid role mapping format: 'x'")
assert parse(["--selector", "app=a", "tier=b"]).selector == {"app": "a", "tier": "b"}
assert parse(["--selector", "app=a tier=b"]).selector == {"app": "a", "tier": "b"}
assert RouterArgs._parse_selector(None) == {} and RouterArgs._parse_selector(["app", "a=", "=b"]) == {"a": "", "": "b"}
assert RouterArgs._parse_prefill_urls([["http://p", "NONE"], ["http://q"]]) == [("http://p", None), ("http://q", None)]
assert RouterArgs._parse_decode_urls([["http://d"], ["http://e"]]) == ["http://d", "http://e"] and RouterArgs._parse_decode_urls(None) == []
assert parse(["--tls-cert-path", "c", "--tls-key-path", "k"]).server_cert_path == "c"
assert parse(["--prometheus-duration-buckets", "0.5", "1"]).prometheus_duration_buckets == [0.5, 1.0]
assert beside_a_server([]).host == "10.0.0.1" and beside_a_server([]).port == 8000 and beside_a_server([]).api_key is None
assert beside_a_server(["--router-policy", "random", "--worker-urls", "http://a"]).policy == "random"
assert beside_a_server(["--router-max-concurrent-requests", "8"]).max_concurrent_requests == 8
assert RouterArgs.from_cli_args(argparse.Namespace(port=5, router_policy="random")).policy == "cache_aware"
assert list(inspect.signature(RouterArgs.add_cli_args).parameters) == ["parser", "use_router_prefix", "exclude_host_port"]
assert list(inspect.signature(RouterArgs.from_cli_args).parameters) == ["args", "use_router_prefix"]
assert typing.get_type_hints(RouterArgs)["prometheus_duration_buckets"] == typing.Optional[typing.List[float]]
""".strip().splitlines()


def failures():
    failed = {}
    for call in CALLS:
        try:
            exec(call, dict(globals()))
        except BaseException as error:
            failed[call] = repr(error)
    return failed


def described():
    """RouterArgs and its command line, for a comparison by machine."""
    fields = []
    hints = typing.get_type_hints(RouterArgs)
    for field in dataclasses.fields(RouterArgs):
        at_class = field.default is not dataclasses.MISSING
        default = field.default if at_class else field.default_factory()
        fields.append([field.name, str(hints[field.name]), default, at_class])
    parser = argparse.ArgumentParser()
    RouterArgs.add_cli_args(parser, use_router_prefix=True)
    actions = [action for action in parser._actions if action.dest != "help"]
    flags = {flag: [action.dest, action.default] for action in actions for flag in action.option_strings}
    return {"fields": fields, "flags": flags}


if __name__ == "__main__":
    json.dump({"calls": len(CALLS), "failures": failures(), "described": described()}, sys.stdout)
