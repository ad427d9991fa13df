"""What the API is told, read once from the environment and frozen."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from graphql_engine.manifest import ManifestError, read_manifest
from server.token_settings import TokenSettings, long_enough
from services.settings import (
    DatabaseSettings,
    GivenKafkaUri,
    Malformed,
    Networks,
    Origins,
    Port,
    ProcessSettings,
    Switch,
    TelemetrySettings,
    whole,
)


class PortSettings(ProcessSettings):
    """Where the API listens: all that its health check asks for."""

    port: Port = 3000


class Settings(PortSettings, TokenSettings, TelemetrySettings, DatabaseSettings):
    """How one Tessera is run. Durations are in seconds, sizes in bytes."""

    admin_key: str = Field(repr=False)
    order_service_port: Port | None = None
    usage_follower_service_port: Port | None = None
    kafka_uri: GivenKafkaUri | None = None
    rate_limit: str = "100/15minutes"
    metrics_port: Port | None = None
    metrics_host: str | None = None
    """Where `/metrics` is listened on; None: where the API is."""
    forwarded_allow_ips: Networks = ()
    cors_origins: Origins = ()
    header_limit: Annotated[int, whole(4_096, 1_048_576)] = 32_768
    body_limit: Annotated[int, whole(1_024, 16_777_216)] = 65_536
    receive_timeout: Annotated[int, whole(1, 600)] = 20
    idle_timeout: Annotated[int, whole(1, 3_600)] = 65
    drain_delay: Annotated[int, whole(0, 600)] = 0
    """Seconds from SIGTERM to the drain: load balancers notice that `/readyz` is 503, live connections go elsewhere."""
    slow_request: Annotated[int, whole(0, 600_000)] = 1_000
    """Milliseconds after which a request has a line of its own in the log; 0: none has."""
    request_timeout: Annotated[float, whole(1, 600)] = 30.0
    compiled_operations: Switch = True
    """Whether GraphQL operations are compiled; False leaves them all to graphql-core, with the same answers."""
    trusted_documents: Literal["off", "allow", "require"] = "off"
    """Whether GraphQL documents may be named by their hashes, and whether others run."""
    trusted_manifest: Mapping[str, str] = Field(default={}, repr=False, validate_default=True)
    """The trusted documents by their hashes."""

    @property
    def extra_ports(self) -> tuple[int, ...]:
        ports = (self.order_service_port, self.usage_follower_service_port)
        return tuple(dict.fromkeys(port for port in ports if port))

    @property
    def events_enabled(self) -> bool:
        return self.kafka_uri is not None

    @field_validator("admin_key")
    @classmethod
    def _is_long_enough(cls, secret: str, info: ValidationInfo) -> str:
        return long_enough(secret, info)

    @field_validator("rate_limit")
    @classmethod
    def _is_one_limit(cls, raw: str) -> str:
        from limits import parse_many

        from services.kit.rate_limit import UNLIMITED

        try:
            if raw != UNLIMITED and [limit.amount > 0 for limit in parse_many(raw)] != [True]:
                raise ValueError(raw)
        except ValueError:
            raise Malformed(f"must be one limit such as 100/15minutes, or {UNLIMITED}") from None
        return raw

    @field_validator("trusted_manifest", mode="before")
    @classmethod
    def _read_manifest(cls, given: object, info: ValidationInfo) -> object:
        if isinstance(given, str):
            try:
                return read_manifest(Path(given))
            except ManifestError as fault:
                raise Malformed(str(fault)) from None
        if not given and info.data.get("trusted_documents") == "require":
            raise Malformed("is missing: TRUSTED_DOCUMENTS=require needs the documents it trusts")
        return given
