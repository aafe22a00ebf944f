"""RouterArgs: the router's options as a dataclass and as argparse arguments, built from the table of the program."""

from __future__ import annotations

import argparse
import copy
import dataclasses
import json
import logging
import re
from pathlib import Path
from typing import Any

from sglang_router._fields import RouterFields

logger = logging.getLogger(__name__)

OPTIONS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "_js" / "options.json").read_text(encoding="utf-8"))
SERVER_FLAGS = ("--host", "--port")
UNPREFIXED = (*SERVER_FLAGS, "--worker-urls")


@dataclasses.dataclass
class RouterArgs(RouterFields):
    """Options of the router: each field is a flag of the command line, with the default of sglang-router 0.3.2."""

    @staticmethod
    def add_cli_args(
        parser: argparse.ArgumentParser, use_router_prefix: bool = False, exclude_host_port: bool = False
    ) -> None:
        """Adds the router's flags; with the prefix as `--router-…`, so that they can stand beside a server's."""
        groups: dict[str, Any] = {}
        for option in OPTIONS:
            if exclude_host_port and option["flags"][0] in SERVER_FLAGS:
                continue
            title = option["group"]
            if title not in groups:
                groups[title] = parser.add_argument_group(f"Router: {title}" if use_router_prefix else title)
            prefix = use_router_prefix and option["flags"][0] not in UNPREFIXED
            flags = [f"--router-{flag[2:]}" if prefix else flag for flag in option["flags"]]
            groups[title].add_argument(*flags, **_argument(option, "router_" if prefix else ""))

    @classmethod
    def from_cli_args(cls, args: argparse.Namespace, use_router_prefix: bool = False) -> RouterArgs:
        """The arguments from a parsed namespace; fields it lacks keep their default."""
        values = {}
        for option in OPTIONS:
            field = option["field"]
            names = (_dest(option), field)
            if use_router_prefix:
                names = (*(f"router_{name}" for name in names), *names)
            name = next((name for name in names if hasattr(args, name)), None)
            if name:
                values[field] = _from_words(option, getattr(args, name))
        return cls(**values)

    def to_argv(self) -> list[str]:
        """The command line of the router: what differs from the defaults of the program. It may hold keys."""
        return [word for option in self._given() for word in _to_words(option, getattr(self, option["field"]))]

    def to_command(self) -> tuple[list[str], dict[str, str]]:
        """The same for a process: the words for all to see, and what is not, as variables."""
        given = self._given()
        words = [
            word
            for option in given
            if not option["variable"]
            for word in _to_words(option, getattr(self, option["field"]))
        ]
        secrets = {
            option["variable"]: _to_variable(option, getattr(self, option["field"]))
            for option in given
            if option["variable"]
        }
        return words, secrets

    def _given(self) -> list[dict[str, Any]]:
        """The options whose value the program is told."""
        given = []
        for option in OPTIONS:
            value = getattr(self, option["field"])
            if value is not None and value != option["unsaid"]:
                _check(option, value)
                given.append(option)
        return given

    def _validate_router_args(self) -> None:
        """Says which policies count with prefill-decode disaggregation; what is wrong the program says."""
        prefill, decode = self.prefill_policy, self.decode_policy
        if not self.pd_disaggregation or not self.policy or not (prefill or decode):
            return
        if prefill and decode:
            logger.warning("--prefill-policy and --decode-policy are both given: --policy has no effect")
        else:
            logger.info(
                "prefill servers by policy %s, decode servers by %s", prefill or self.policy, decode or self.policy
            )

    @staticmethod
    def _parse_selector(selector_list: list[str] | None) -> dict[str, Any]:
        """`key=value` words, or several of them in one. A requirement of another kind is a key with the value None."""
        items = [item for word in selector_list or [] for item in _REQUIREMENT.findall(word)]
        parts = [_parts(item) for item in items]
        # As in 0.3.2, a word that requires nothing is left out.
        return {key: label if equals else None for key, equals, label in parts if equals or _OPERATOR.search(key)}

    @staticmethod
    def _parse_prefill_urls(prefill_list: list[list[str]] | None) -> list[tuple]:
        """`URL [PORT|none]` of each --prefill."""
        return [(url, _bootstrap_port(rest[0] if rest else "none")) for url, *rest in prefill_list or []]

    @staticmethod
    def _parse_decode_urls(decode_list: list[list[str]] | None) -> list[str]:
        """The URLs of each --decode."""
        return [url for entry in decode_list or [] for url in entry]

    @staticmethod
    def _parse_control_plane_api_keys(api_keys_list: list[str] | None) -> list[tuple]:
        """`id:name:role:key` words as (id, name, key, role)."""
        return [_control_key(word) for word in api_keys_list or []]

    @staticmethod
    def _parse_jwt_role_mapping(role_mapping_list: list[str] | None) -> dict[str, str]:
        """`theirs=ours` words."""
        return dict(_role_mapping(word) for word in role_mapping_list or [])


def _dest(option: dict[str, Any]) -> str:
    """What argparse calls it: as the flag, which is not always as the field."""
    names = [flag[2:].replace("-", "_") for flag in option["flags"]]
    return option["field"] if option["field"] in names else names[0]


def _argument(option: dict[str, Any], prefix: str) -> dict[str, Any]:
    argument = {"dest": prefix + _dest(option), "help": option["help"].replace("%", "%%")}
    if option["type"] == "flag":
        return {**argument, "action": "store_true"}
    kind = float if "float" in option["hint"] else _TYPES.get(option["type"], str)
    argument.update(default=copy.copy(option["parsed"]), type=kind, metavar=option["metavar"])
    if option["choices"]:
        argument.update(choices=option["choices"], metavar=None)
    if option["nargs"]:
        argument["nargs"] = option["nargs"]
    if option["type"] == "mapping":
        argument["default"] = []
    if option["append"]:
        # argparse would append to the default itself.
        argument.update(action="append", default=None)
    return argument


def _from_words(option: dict[str, Any], value: Any) -> Any:
    """What argparse collected, in the form of the field; a value that has it already stays."""
    if value is None:
        return copy.copy(option["default"])
    if option["type"] in ("selector", "mapping"):
        parse = RouterArgs._parse_selector if option["type"] == "selector" else RouterArgs._parse_jwt_role_mapping
        return value if isinstance(value, dict) else parse(value)
    if option["type"] == "keys" and all(isinstance(entry, str) for entry in value):
        return RouterArgs._parse_control_plane_api_keys(value)
    if option["type"] == "prefill":
        return RouterArgs._parse_prefill_urls([[str(word) for word in entry if word is not None] for entry in value])
    if option["append"] and any(isinstance(entry, list) for entry in value):
        return RouterArgs._parse_decode_urls(value)
    return value


def _check(option: dict[str, Any], value: Any) -> None:
    """Raises TypeError for a value that would become other words than it means: a str is a sequence, "false" true."""
    kinds: Any = {"flag": (bool, int), "selector": dict, "mapping": dict}.get(option["type"])
    if kinds is None and option["nargs"]:
        kinds = (list, tuple, set, frozenset)
    if kinds and not isinstance(value, kinds):
        expected = {"flag": "True or False", "selector": "a dict", "mapping": "a dict"}.get(option["type"], "a list")
        # The value itself may be a key.
        raise TypeError(f"{option['field']}: expected {expected}, got a {type(value).__name__}")
    if option["type"] == "prefill" and not all(isinstance(item, (tuple, list)) and len(item) == 2 for item in value):
        raise TypeError(f"{option['field']}: expected a list of (url, bootstrap port or None)")
    if option["type"] == "keys" and not all(isinstance(item, (tuple, list)) and len(item) == 4 for item in value):
        raise TypeError(f"{option['field']}: expected a list of (id, name, key, role)")


def _to_words(option: dict[str, Any], value: Any) -> list[str]:
    flag = option["flags"][0]
    if option["type"] == "flag":
        return [flag] if value else []
    if option["type"] == "prefill":
        # Without a port the server is asked for its own.
        return [word for url, port in value for word in (flag, url, *([] if port is None else [str(port)]))]
    if option["append"]:
        return [word for item in value for word in (flag, str(item))]
    if option["type"] == "keys":
        return [flag, *_key_words(value)]
    if option["type"] == "mapping":
        return [flag, *(f"{theirs}={ours}" for theirs, ours in value.items())]
    if option["type"] == "selector":
        return [flag, *(key if label is None else f"{key}={label}" for key, label in value.items())]
    if option["nargs"]:
        return [flag, *(str(item) for item in value)]
    return [f"{flag}={value}"]


def _to_variable(option: dict[str, Any], value: Any) -> str:
    return "\n".join(_key_words(value)) if option["type"] == "keys" else str(value)


def _key_words(keys: Any) -> list[str]:
    return [f"{key_id}:{name}:{role}:{key}" for key_id, name, key, role in keys]


def _parts(requirement: str) -> tuple[str, str, str]:
    """Of `key=value`; what is no equation stays whole."""
    is_equation = "(" not in requirement and "!" not in requirement
    return requirement.partition("=") if is_equation else (requirement, "", "")


def _bootstrap_port(word: str) -> int | None:
    if word.lower() == "none":
        return None
    try:
        return int(word)
    except ValueError:
        raise ValueError(f"Invalid bootstrap port: {word}. Must be a number or 'none'") from None


def _control_key(word: str) -> tuple:
    parts = word.split(":", 3)
    if len(parts) != 4:
        # The word itself may be a key.
        raise ValueError("Invalid API key format: expected 'id:name:role:key'")
    key_id, name, role, key = parts
    return key_id, name, key, _role(role, "Invalid role")


def _role_mapping(word: str) -> tuple[str, str]:
    theirs, equals, ours = word.partition("=")
    if not equals:
        raise ValueError(f"Invalid role mapping format: '{word}'. Expected 'idp_role=gateway_role'")
    return theirs, _role(ours, "Invalid gateway role")


def _role(word: str, problem: str) -> str:
    if word.lower() not in ("admin", "user"):
        raise ValueError(f"{problem}: '{word}'. Must be 'admin' or 'user'")
    return word.lower()


def _size(word: str) -> Any:
    """Bytes as a number; a size such as 256MB is left to the router."""
    return int(word) if word.isdigit() else word


# One requirement of a label selector: `tier in (gpu,cpu)`, or what has no space and no comma in it.
_REQUIREMENT = re.compile(r"[^\s,(]+\s+(?:not)?in\s*\([^)]*\)|[^\s,]+")

# What makes a requirement of a key without a value.
_OPERATOR = re.compile(r"[!(]")

_TYPES: dict[str, Any] = {"int": int, "float": float, "size": _size}


def parse_router_args(args: list[str]) -> RouterArgs:
    """Command-line words of the router alone."""
    parser = argparse.ArgumentParser(description="SGLang router")
    RouterArgs.add_cli_args(parser)
    return RouterArgs.from_cli_args(parser.parse_args(args))
