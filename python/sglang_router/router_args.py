"""RouterArgs: the router's options as a dataclass and as argparse arguments, built from the table of the program."""

from __future__ import annotations

import argparse
import copy
import dataclasses
import json
import re
from pathlib import Path
from typing import Any

OPTIONS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "_js" / "options.json").read_text(encoding="utf-8"))
SERVER_FLAGS = ("--host", "--port")
UNPREFIXED = (*SERVER_FLAGS, "--worker-urls")


class _RouterArgs:
    """What the generated fields do not say."""

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
        """The command line of the router: what differs from the defaults."""
        words: list[str] = []
        for option in OPTIONS:
            value = getattr(self, option["field"])
            if value is not None and value != _default(option):
                _check(option, value)
                words += _to_words(option, value)
        return words

    @staticmethod
    def _parse_selector(words: list[str] | None) -> dict[str, str | None]:
        """`key=value` words, or several of them in one; any other requirement is a key without a value."""
        items = [item for word in words or [] for item in _REQUIREMENT.findall(word)]
        return {key: label if equals else None for key, equals, label in (_parts(item) for item in items)}

    @staticmethod
    def _parse_prefill_urls(entries: list[list[str]] | None) -> list[tuple[str, int | None]]:
        """`URL [PORT|none]` of each --prefill."""
        return [(url, _bootstrap_port(rest[0] if rest else "none")) for url, *rest in entries or []]

    @staticmethod
    def _parse_decode_urls(entries: list[list[str]] | None) -> list[str]:
        """The URLs of each --decode."""
        return [url for entry in entries or [] for url in entry]


def _default(option: dict[str, Any]) -> Any:
    return copy.copy(option["default"])


def _dest(option: dict[str, Any]) -> str:
    """What argparse calls it: as the flag, which is not always as the field."""
    names = [flag[2:].replace("-", "_") for flag in option["flags"]]
    return option["field"] if option["field"] in names else names[0]


def _argument(option: dict[str, Any], prefix: str) -> dict[str, Any]:
    argument = {"dest": prefix + _dest(option), "help": option["help"].replace("%", "%%")}
    if option["type"] == "flag":
        return {**argument, "action": "store_true"}
    argument.update(default=_default(option), type=_TYPES.get(option["type"], str), metavar=option["metavar"])
    if option["choices"]:
        argument.update(choices=option["choices"], metavar=None)
    if option["nargs"]:
        argument["nargs"] = option["nargs"]
    if option["append"]:
        # argparse would append to the default itself.
        argument.update(action="append", default=None)
    return argument


def _from_words(option: dict[str, Any], value: Any) -> Any:
    """What argparse collected, in the form of the field; a value that has it already stays."""
    if value is None:
        return _default(option)
    if option["type"] == "selector" and not isinstance(value, dict):
        return _RouterArgs._parse_selector(value)
    if option["type"] == "prefill":
        return _RouterArgs._parse_prefill_urls([[str(word) for word in entry if word is not None] for entry in value])
    if option["append"] and any(isinstance(entry, list) for entry in value):
        return _RouterArgs._parse_decode_urls(value)
    return value


def _check(option: dict[str, Any], value: Any) -> None:
    """Raises TypeError for a value that would become other words than it means: a str is a sequence, "false" true."""
    kinds = {"flag": (bool, int), "selector": dict}.get(option["type"])
    if kinds is None and option["nargs"]:
        kinds = (list, tuple, set, frozenset)
    if kinds and not isinstance(value, kinds):
        expected = {"flag": "True or False", "selector": "a dict"}.get(option["type"], "a list")
        # The value itself may be a key.
        raise TypeError(f"{option['field']}: expected {expected}, got a {type(value).__name__}")
    if option["type"] == "prefill" and not all(isinstance(item, (tuple, list)) and len(item) == 2 for item in value):
        raise TypeError(f"{option['field']}: expected a list of (url, bootstrap port or None)")


def _to_words(option: dict[str, Any], value: Any) -> list[str]:
    flag = option["flags"][0]
    if option["type"] == "flag":
        return [flag] if value else []
    if option["type"] == "prefill":
        # Without a port the server is asked for its own.
        return [word for url, port in value for word in (flag, url, *([] if port is None else [str(port)]))]
    if option["append"]:
        return [word for item in value for word in (flag, str(item))]
    if option["type"] == "selector":
        return [flag, *(key if label is None else f"{key}={label}" for key, label in value.items())]
    if option["nargs"]:
        return [flag, *(str(item) for item in value)]
    return [f"{flag}={value}"]


def _parts(requirement: str) -> tuple[str, str, str]:
    """Of `key=value`; what is no equation stays whole."""
    is_equation = "(" not in requirement and "!" not in requirement
    return requirement.partition("=") if is_equation else (requirement, "", "")


def _bootstrap_port(word: str) -> int | None:
    if word.lower() == "none":
        return None
    if word.isdigit():
        return int(word)
    raise ValueError(f"Invalid bootstrap port: {word}. Must be a number or 'none'")


def _size(word: str) -> Any:
    """Bytes as a number; a size such as 256MB is left to the router."""
    return int(word) if word.isdigit() else word


# One requirement of a label selector: `tier in (gpu,cpu)`, or what has no space and no comma in it.
_REQUIREMENT = re.compile(r"[^\s,(]+\s+(?:not)?in\s*\([^)]*\)|[^\s,]+")

_TYPES = {"int": int, "float": float, "size": _size}


def _field(option: dict[str, Any]) -> tuple[str, Any, Any]:
    return option["field"], Any, dataclasses.field(default_factory=lambda: _default(option))


RouterArgs = dataclasses.make_dataclass("RouterArgs", [_field(option) for option in OPTIONS], bases=(_RouterArgs,))
RouterArgs.__module__ = __name__
RouterArgs.__doc__ = "Options of the router; each field is a flag of its command line, with the same default."


def parse_router_args(args: list[str]) -> RouterArgs:
    """Command-line words of the router alone."""
    parser = argparse.ArgumentParser(description="SGLang router")
    RouterArgs.add_cli_args(parser)
    return RouterArgs.from_cli_args(parser.parse_args(args))
