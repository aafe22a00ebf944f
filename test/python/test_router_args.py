from __future__ import annotations

import argparse
import pickle

import pytest

from sglang_router.launch_router import RouterArgs, parse_router_args


def parser(**options: bool) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser()
    RouterArgs.add_cli_args(made, **options)
    return made


def test_defaults_are_those_of_0_3_2_and_the_program_is_told_of_them():
    args = RouterArgs()
    assert (args.host, args.port, args.policy, args.worker_urls) == ("0.0.0.0", 30000, "cache_aware", [])
    words = args.to_argv()
    assert "--max-concurrent-requests=-1" in words
    assert "--request-timeout-secs=1800" in words
    # There these say something else: the queue is bounded by what the program has as its default.
    assert not [word for word in words if word.startswith(("--queue", "--max-tree", "--policy", "--log-level"))]
    assert "--queue-size=7" in RouterArgs(queue_size=7).to_argv()


def test_a_parser_that_has_a_config_flag_of_its_own_takes_the_routers_flags_too():
    made = argparse.ArgumentParser()
    made.add_argument("--config")
    RouterArgs.add_cli_args(made)
    args = made.parse_args(["--config", "theirs.yaml", "--policy", "random"])
    assert RouterArgs.from_cli_args(args).policy == "random"
    assert not hasattr(RouterArgs(), "config")


def test_keys_are_given_to_the_program_as_variables():
    keys = [("a", "The Admin", "k:1", "admin"), ("b c", "x", "k2", "user")]
    args = RouterArgs(api_key="k0", control_plane_api_keys=keys, redis_url="redis://:k3@r", oracle_password="k4")
    words, variables = args.to_command()
    assert not [word for word in words if "k" in word.split("=")[-1]]
    assert variables["SGLANG_ROUTER_API_KEY"] == "k0"
    assert variables["SGLANG_ROUTER_CONTROL_PLANE_API_KEYS"] == "a:The Admin:admin:k:1\nb c:x:user:k2"
    assert "--control-plane-api-keys" in args.to_argv()


def test_defaults_are_not_shared():
    RouterArgs().worker_urls.append("http://a")
    assert RouterArgs().worker_urls == []


def test_words_become_fields_and_words_again():
    args = parse_router_args(
        [
            *("--worker-urls", "http://a:1", "http://b:2", "--policy", "round_robin", "--retry-jitter-factor", "0.5"),
            *(
                "--prefill",
                "http://p:1",
                "9000",
                "--prefill",
                "http://q:1",
                "none",
                "--decode",
                "http://d:1",
                "--dp-aware",
            ),
            *("--selector", "app=x", "tier=y", "--eviction-interval", "5", "--max-concurrent-requests=-1"),
            *("--request-id-headers", "x-a", "--tls-cert-path", "c.pem"),
        ]
    )
    assert args.prefill_urls == [("http://p:1", 9000), ("http://q:1", None)]
    assert args.decode_urls == ["http://d:1"]
    assert args.selector == {"app": "x", "tier": "y"}
    assert args.request_id_headers == ["x-a"]
    assert args.eviction_interval_secs == 5
    assert args.max_concurrent_requests == -1
    assert args.server_cert_path == "c.pem"
    assert parse_router_args(args.to_argv()) == args
    assert "none" not in args.to_argv()


def test_other_requirements_of_a_selector_are_keys_without_a_value():
    args = parse_router_args(["--selector", "tier in (gpu, cpu),app=x", "!old", "stage!=test"])
    assert args.selector == {"tier in (gpu, cpu)": None, "app": "x", "!old": None, "stage!=test": None}
    words = args.to_argv()
    at = words.index("--selector")
    assert words[at : at + 5] == ["--selector", "tier in (gpu, cpu)", "app=x", "!old", "stage!=test"]


def test_flags_stand_beside_those_of_a_server():
    made = parser(use_router_prefix=True, exclude_host_port=True)
    made.add_argument("--host", default="0.0.0.0")
    made.add_argument("--port", type=int, default=1)
    made.add_argument("--api-key")
    made.add_argument("--policy", default="none of ours")
    parsed = made.parse_args(
        [
            "--router-policy",
            "random",
            "--api-key",
            "server",
            "--worker-urls",
            "http://a",
            "--router-eviction-interval-secs",
            "9",
        ]
    )
    args = RouterArgs.from_cli_args(parsed, use_router_prefix=True)
    assert (args.host, args.port, args.policy, args.api_key) == ("0.0.0.0", 1, "random", None)
    assert (args.worker_urls, args.eviction_interval_secs) == (["http://a"], 9)


def test_a_namespace_may_lack_fields():
    assert RouterArgs.from_cli_args(argparse.Namespace(port=5, log_level="warn")) == RouterArgs(
        port=5, log_level="warn"
    )


def test_a_namespace_has_the_names_of_the_flags():
    parsed = parser(use_router_prefix=True).parse_args(
        ["--router-prefill", "http://p", "9", "--router-decode", "http://d", "--router-tls-cert-path", "c"]
    )
    assert (parsed.router_prefill, parsed.router_decode) == ([["http://p", "9"]], [["http://d"]])
    args = RouterArgs.from_cli_args(parsed, use_router_prefix=True)
    assert (args.prefill_urls, args.decode_urls, args.server_cert_path) == ([("http://p", 9)], ["http://d"], "c")
    by_field = argparse.Namespace(prefill_urls=[("http://p", None)], server_key_path="k")
    assert RouterArgs.from_cli_args(by_field).prefill_urls == [("http://p", None)]
    assert RouterArgs.from_cli_args(by_field).server_key_path == "k"


def test_a_bad_bootstrap_port_is_named():
    with pytest.raises(ValueError, match="Invalid bootstrap port: x"):
        parse_router_args(["--prefill", "http://p", "x"])


def test_it_can_be_sent_to_another_process():
    args = RouterArgs(port=5)
    assert pickle.loads(pickle.dumps(args)) == args


def test_help_is_grouped():
    assert "Cache-aware routing:" in parser().format_help()
    assert "Router: Cache-aware routing:" in parser(use_router_prefix=True).format_help()


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("worker_urls", "http://a:1", "expected a list, got a str"),
        ("decode_urls", "http://a:1", "expected a list, got a str"),
        ("request_id_headers", "x-a", "expected a list, got a str"),
        ("prefill_urls", ["http://a:1"], "expected a list of (url, bootstrap port or None)"),
        ("dp_aware", "false", "expected True or False, got a str"),
        ("selector", ["app=x"], "expected a dict, got a list"),
        ("control_plane_api_keys", "id:name:admin:key", "expected a list, got a str"),
        ("control_plane_api_keys", ["id:name:admin:key"], "expected a list of (id, name, key, role)"),
        ("jwt_role_mapping", ["a=user"], "expected a dict, got a list"),
    ],
)
def test_a_value_of_another_type_is_told_rather_than_taken_apart(field, value, expected):
    with pytest.raises(TypeError) as raised:
        RouterArgs(**{field: value}).to_argv()
    assert str(raised.value).startswith(f"{field}: ")
    assert expected in str(raised.value)
