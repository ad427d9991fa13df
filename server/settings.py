"""Settings, read once from the environment and frozen. Every fault is named in one message; secrets have no repr."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

from limits import parse_many

from graphql_engine.manifest import ManifestError, read_manifest
from models.environment import EnvironmentReader, MongoDriver, SettingsError, database_name
from services.connection import read_mongo_uri
from services.kit.rate_limit import UNLIMITED


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How one Tessera is run. Durations are in seconds, sizes in bytes."""

    mongo_uri: str = field(repr=False)
    jwt_secret: str = field(repr=False)
    admin_key: str = field(repr=False)
    database: str = "tessera"
    mongo_driver: MongoDriver = "motor"
    port: int = 3000
    extra_ports: tuple[int, ...] = ()
    kafka_servers: str | None = None
    rate_limit: str = "100/15minutes"
    usage_hold: int = 900
    forwarded_allow_ips: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    header_limit: int = 32_768
    body_limit: int = 65_536
    receive_timeout: int = 20
    idle_timeout: int = 65
    request_timeout: float = 30.0
    log_level: str = "info"
    compiled_operations: bool = True
    """Whether GraphQL operations are compiled; False leaves them all to graphql-core, with the same answers."""
    trusted_documents: Literal["off", "allow", "require"] = "off"
    """Whether GraphQL documents may be named by their hashes, and whether others run."""
    trusted_manifest: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The trusted documents by their hashes."""
    open_tools: bool = False
    """True in `tessera dev`: introspection and GraphiQL are for everyone."""

    @property
    def events_enabled(self) -> bool:
        return self.kafka_servers is not None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], *, embedded: bool = False) -> Self:
        """Read every variable; raises `SettingsError` naming all that are missing or malformed.

        `embedded` is `tessera dev`: short secrets are allowed there, and the tools are open.
        """
        reader = _Reader(environment)
        weak = embedded or reader.environment.get("ALLOW_WEAK_SECRETS") == "1"
        mongo_uri = read_mongo_uri(reader)
        settings = cls(
            mongo_uri=mongo_uri,
            database=database_name(mongo_uri),
            mongo_driver=reader.mongo_driver(),
            jwt_secret=reader.secret("JWT_SEC", weak),
            admin_key=reader.secret("ADMIN_KEY", weak),
            port=reader.whole("PORT", 3000, 1, 65_535),
            extra_ports=reader.extra_ports(),
            kafka_servers=reader.kafka_servers(),
            rate_limit=reader.rate_limit(),
            usage_hold=reader.usage_hold(),
            forwarded_allow_ips=reader.networks("FORWARDED_ALLOW_IPS"),
            cors_origins=reader.origins("CORS_ORIGINS"),
            body_limit=reader.whole("BODY_LIMIT", 65_536, 1_024, 16_777_216),
            header_limit=reader.whole("HEADER_LIMIT", 32_768, 4_096, 1_048_576),
            receive_timeout=reader.whole("RECEIVE_TIMEOUT", 20, 1, 600),
            idle_timeout=reader.whole("IDLE_TIMEOUT", 65, 1, 3_600),
            request_timeout=float(reader.whole("REQUEST_TIMEOUT", 30, 1, 600)),
            log_level=reader.log_level(),
            compiled_operations=reader.switch("COMPILED_OPERATIONS", default=True),
            trusted_documents=reader.trusted_documents(),
            trusted_manifest=reader.trusted_manifest(),
            open_tools=embedded,
        )
        if reader.faults:
            raise SettingsError(reader.faults)
        return settings


class _Reader(EnvironmentReader):
    """Reads what only the API is told."""

    def extra_ports(self) -> tuple[int, ...]:
        names = ("ORDER_SERVICE_PORT", "USAGE_FOLLOWER_SERVICE_PORT")
        ports = (self.whole(name, 0, 1, 65_535) for name in names)
        return tuple(dict.fromkeys(port for port in ports if port))

    def trusted_documents(self) -> Literal["off", "allow", "require"]:
        match self.environment.get("TRUSTED_DOCUMENTS", "off"):
            case "off" | "allow" | "require" as mode:
                return mode
            case _:
                self.fault("TRUSTED_DOCUMENTS", "must be off, allow or require")
                return "off"

    def trusted_manifest(self) -> Mapping[str, str]:
        path = self.environment.get("TRUSTED_MANIFEST")
        if path is None:
            if self.environment.get("TRUSTED_DOCUMENTS") == "require":
                self.fault("TRUSTED_MANIFEST", "is missing: TRUSTED_DOCUMENTS=require needs the documents it trusts")
            return {}
        try:
            return read_manifest(Path(path))
        except ManifestError as fault:
            self.fault("TRUSTED_MANIFEST", str(fault))
            return {}

    def rate_limit(self) -> str:
        raw = self.environment.get("RATE_LIMIT", "100/15minutes")
        if raw == UNLIMITED:
            return raw
        try:
            if len(parse_many(raw)) != 1 or parse_many(raw)[0].amount < 1:
                raise ValueError(raw)
        except ValueError:
            self.fault("RATE_LIMIT", f"must be one limit such as 100/15minutes, or {UNLIMITED}")
            return "100/15minutes"
        return raw
