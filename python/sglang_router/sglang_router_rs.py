"""The names of 0.3.2's native module, for programs that import them. The router itself runs on Node."""

from __future__ import annotations

import dataclasses
import enum
from typing import Any

__all__ = [
    "BackendType",
    "HistoryBackendType",
    "PolicyType",
    "PyApiKeyEntry",
    "PyControlPlaneAuthConfig",
    "PyJwtConfig",
    "PyOracleConfig",
    "PyPostgresConfig",
    "PyRedisConfig",
    "PyRole",
    "Router",
    "get_available_tool_call_parsers",
    "get_verbose_version_string",
    "get_version_string",
]


class _Name(enum.IntEnum):
    def __repr__(self) -> str:
        return f"{type(self).__name__}.{self.name}"

    __str__ = __repr__


class PolicyType(_Name):
    """Policies; `RouterArgs.policy` has the same by name."""

    Random = 0
    RoundRobin = 1
    CacheAware = 2
    PowerOfTwo = 3
    Bucket = 4
    Manual = 5
    ConsistentHashing = 6
    PrefixHash = 7


class BackendType(_Name):
    """What the workers run."""

    Sglang = 0
    Openai = 1


class HistoryBackendType(_Name):
    """Where 0.3.2 keeps conversations; the router keeps none."""

    Memory = 0
    locals()["None"] = 1
    Oracle = 2
    Postgres = 3
    Redis = 4


class PyRole(_Name):
    """Who may use the admin routes."""

    Admin = 0
    User = 1


@dataclasses.dataclass
class PyApiKeyEntry:
    """A key of the admin routes."""

    id: str
    name: str
    key: str
    role: PyRole = PyRole.User


@dataclasses.dataclass
class PyJwtConfig:
    """Accepted, without effect: the router reads no tokens."""

    issuer: str
    audience: str
    jwks_uri: str | None = None
    role_mapping: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class PyControlPlaneAuthConfig:
    """Who may use the admin routes."""

    jwt: PyJwtConfig | None = None
    api_keys: list[PyApiKeyEntry] = dataclasses.field(default_factory=list)
    audit_enabled: bool = True


@dataclasses.dataclass
class PyOracleConfig:
    """Accepted, without effect: the router keeps no conversations."""

    password: str | None = None
    username: str | None = None
    connect_descriptor: str | None = None
    wallet_path: str | None = None
    pool_min: int = 1
    pool_max: int = 16
    pool_timeout_secs: int = 30


@dataclasses.dataclass
class PyPostgresConfig:
    """Accepted, without effect: the router keeps no conversations."""

    db_url: str | None = None
    pool_max: int = 16


@dataclasses.dataclass
class PyRedisConfig:
    """Accepted, without effect: the router keeps no conversations."""

    url: str
    pool_max: int = 16
    retention_days: int | None = 30


class Router:
    """A router by the fields of RouterArgs, with names or the enums above; `start` runs it."""

    def __init__(
        self, worker_urls: list[str], policy: PolicyType | str = PolicyType.RoundRobin, **options: Any
    ) -> None:
        from sglang_router.router_args import RouterArgs

        fields = {"port": 3001, **options, "worker_urls": worker_urls, "policy": policy}
        fields.update(_of_control_plane(fields.pop("control_plane_auth", None)))
        for name in ("oracle_config", "postgres_config", "redis_config"):
            fields.pop(name, None)
        self._args = RouterArgs(**{name: _plain(value) for name, value in fields.items()})

    def start(self) -> None:
        """Runs the router until it ends; raises RuntimeError when it ends with an error."""
        from sglang_router._run import run_router

        run_router(self._args)


def get_version_string() -> str:
    """The version, in a line."""
    from sglang_router import __version__

    return f"sglang-router {__version__}"


def get_verbose_version_string() -> str:
    """The version, and the Node that the router would run on."""
    from sglang_router._node import NodeNotFoundError, find_node

    try:
        node = find_node()
    except NodeNotFoundError as error:
        node = str(error)
    return f"{get_version_string()}\n\nNode: {node}"


def get_available_tool_call_parsers() -> list[str]:
    """None: the servers parse their own output, and --tool-call-parser takes any name."""
    return []


def _of_control_plane(auth: PyControlPlaneAuthConfig | None) -> dict[str, Any]:
    if auth is None:
        return {}
    keys = [(entry.id, entry.name, entry.key, entry.role.name.lower()) for entry in auth.api_keys]
    fields: dict[str, Any] = {"control_plane_api_keys": keys, "control_plane_audit_enabled": auth.audit_enabled}
    if auth.jwt:
        fields.update(jwt_issuer=auth.jwt.issuer, jwt_audience=auth.jwt.audience)
    return fields


def _plain(value: Any) -> Any:
    """`PolicyType.RoundRobin` → `round_robin`."""
    if not isinstance(value, _Name):
        return value
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in value.name).lstrip("_")
