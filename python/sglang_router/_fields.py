"""Generated from the option table of the program: do not edit, run npm run generate."""

# ruff: noqa: UP006, UP035 (the types are those of 0.3.2, to the letter)
import dataclasses
from typing import Dict, List, Optional


@dataclasses.dataclass
class RouterFields:
    """The fields of RouterArgs: those of sglang-router 0.3.2 in its order and with its defaults, then further ones."""

    worker_urls: List[str] = dataclasses.field(default_factory=list)
    host: str = "0.0.0.0"
    port: int = 30000
    mini_lb: bool = False
    pd_disaggregation: bool = False
    prefill_urls: List[tuple] = dataclasses.field(default_factory=list)
    decode_urls: List[str] = dataclasses.field(default_factory=list)
    policy: str = "cache_aware"
    prefill_policy: Optional[str] = None
    decode_policy: Optional[str] = None
    worker_startup_timeout_secs: int = 1800
    worker_startup_check_interval: int = 30
    cache_threshold: float = 0.3
    balance_abs_threshold: int = 64
    balance_rel_threshold: float = 1.5
    eviction_interval_secs: int = 60
    max_tree_size: int = 67108864
    max_idle_secs: int = 14400
    assignment_mode: str = "random"
    max_payload_size: int = 536870912
    bucket_adjust_interval_secs: int = 5
    dp_aware: bool = False
    enable_igw: bool = False
    api_key: Optional[str] = None
    log_dir: Optional[str] = None
    log_level: Optional[str] = None
    service_discovery: bool = False
    selector: Dict[str, str] = dataclasses.field(default_factory=dict)
    service_discovery_port: int = 80
    service_discovery_namespace: Optional[str] = None
    prefill_selector: Dict[str, str] = dataclasses.field(default_factory=dict)
    decode_selector: Dict[str, str] = dataclasses.field(default_factory=dict)
    bootstrap_port_annotation: str = "sglang.ai/bootstrap-port"
    prometheus_port: Optional[int] = None
    prometheus_host: Optional[str] = None
    prometheus_duration_buckets: Optional[List[float]] = None
    request_id_headers: Optional[List[str]] = None
    request_timeout_secs: int = 1800
    shutdown_grace_period_secs: int = 180
    max_concurrent_requests: int = -1
    queue_size: int = 100
    queue_timeout_secs: int = 60
    rate_limit_tokens_per_second: Optional[int] = None
    cors_allowed_origins: List[str] = dataclasses.field(default_factory=list)
    retry_max_retries: int = 5
    retry_initial_backoff_ms: int = 50
    retry_max_backoff_ms: int = 30000
    retry_backoff_multiplier: float = 1.5
    retry_jitter_factor: float = 0.2
    disable_retries: bool = False
    health_failure_threshold: int = 3
    health_success_threshold: int = 2
    health_check_timeout_secs: int = 5
    health_check_interval_secs: int = 60
    health_check_endpoint: str = "/health"
    disable_health_check: bool = False
    cb_failure_threshold: int = 10
    cb_success_threshold: int = 3
    cb_timeout_duration_secs: int = 60
    cb_window_duration_secs: int = 120
    disable_circuit_breaker: bool = False
    model_path: Optional[str] = None
    tokenizer_path: Optional[str] = None
    chat_template: Optional[str] = None
    tokenizer_cache_enable_l0: bool = False
    tokenizer_cache_l0_max_entries: int = 10000
    tokenizer_cache_enable_l1: bool = False
    tokenizer_cache_l1_max_memory: int = 52428800
    reasoning_parser: Optional[str] = None
    tool_call_parser: Optional[str] = None
    mcp_config_path: Optional[str] = None
    backend: str = "sglang"
    history_backend: str = "memory"
    oracle_wallet_path: Optional[str] = None
    oracle_tns_alias: Optional[str] = None
    oracle_connect_descriptor: Optional[str] = None
    oracle_username: Optional[str] = None
    oracle_password: Optional[str] = None
    oracle_pool_min: int = 1
    oracle_pool_max: int = 16
    oracle_pool_timeout_secs: int = 30
    postgres_db_url: Optional[str] = None
    postgres_pool_max: int = 16
    redis_url: Optional[str] = None
    redis_pool_max: int = 16
    redis_retention_days: int = 30
    client_cert_path: Optional[str] = None
    client_key_path: Optional[str] = None
    ca_cert_paths: List[str] = dataclasses.field(default_factory=list)
    server_cert_path: Optional[str] = None
    server_key_path: Optional[str] = None
    enable_trace: bool = False
    otlp_traces_endpoint: str = "localhost:4317"
    control_plane_api_keys: List[tuple] = dataclasses.field(default_factory=list)
    control_plane_audit_enabled: bool = False
    jwt_issuer: Optional[str] = None
    jwt_audience: Optional[str] = None
    jwt_jwks_uri: Optional[str] = None
    jwt_role_mapping: Dict[str, str] = dataclasses.field(default_factory=dict)
    peer_urls: List[str] = dataclasses.field(default_factory=list)
    workers_file: Optional[str] = None
    upload_timeout_secs: int = 600
    first_byte_timeout_secs: int = 0
    stream_idle_timeout_secs: int = 120
    max_held_payload_size: int = 4294967296
    data_threads: Optional[int] = None
    disable_warm_up: bool = False
    disable_outlier_detection: bool = False
    pd_protocol: str = "sglang"
    peer_selector: Dict[str, str] = dataclasses.field(default_factory=dict)
    peer_namespace: Optional[str] = None
    worker_dns: List[str] = dataclasses.field(default_factory=list)
    log_format: str = "auto"
    metrics_names: str = "both"
    record_trace: Optional[str] = None
    record_trace_max_size: int = 104857600
    record_trace_files: int = 5
