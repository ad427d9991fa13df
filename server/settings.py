"""Settings, read once from the environment and frozen. Every fault is named in one message; secrets have no repr."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Self
from urllib.parse import urlsplit

from limits import RateLimitItem, parse_many

MINIMUM_SECRET_BYTES = 32


class SettingsError(Exception):
    """The environment cannot be served from; `faults` has one sentence for each variable at fault."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("Tessera cannot start:\n" + "\n".join(f"  - {fault}" for fault in faults))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How one Tessera is run. Durations are in seconds, sizes in bytes."""

    mongo_uri: str = field(repr=False)
    jwt_secret: str = field(repr=False)
    admin_key: str = field(repr=False)
    database: str = "tessera"
    port: int = 3000
    extra_ports: tuple[int, ...] = ()
    kafka_servers: str | None = None
    payment_uri: str | None = None
    rate_limit: str = "100/15minutes"
    usage_hold: int = 900
    forwarded_allow_ips: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    body_limit: int = 65_536
    request_timeout: float = 30.0
    log_level: str = "info"
    open_tools: bool = False
    """True in `tessera dev`: introspection and GraphiQL are for everyone."""

    @property
    def rate_limits(self) -> list[RateLimitItem]:
        return list(parse_many(self.rate_limit))

    @property
    def events_enabled(self) -> bool:
        return self.kafka_servers is not None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], *, embedded: bool = False) -> Self:
        """Read every variable; raises `SettingsError` naming all that are missing or malformed.

        `embedded` is `tessera dev`: short secrets are allowed there, and the tools are open.
        """
        reader = _Reader({name: value.strip() for name, value in environment.items() if value.strip()})
        weak = embedded or reader.environment.get("ALLOW_WEAK_SECRETS") == "1"
        mongo_uri = reader.mongo_uri()
        settings = cls(
            mongo_uri=mongo_uri,
            database=urlsplit(mongo_uri).path.lstrip("/") or "tessera",
            jwt_secret=reader.secret("JWT_SEC", weak),
            admin_key=reader.secret("ADMIN_KEY", weak),
            port=reader.whole("PORT", 3000, 1, 65_535),
            extra_ports=reader.extra_ports(),
            kafka_servers=reader.kafka_servers(),
            payment_uri=reader.url("PAYMENT_URI"),
            rate_limit=reader.rate_limit(),
            usage_hold=reader.whole("USAGE_HOLD", 900, 1, 31_536_000),
            forwarded_allow_ips=reader.networks("FORWARDED_ALLOW_IPS"),
            cors_origins=reader.words("CORS_ORIGINS"),
            body_limit=reader.whole("BODY_LIMIT", 65_536, 1_024, 16_777_216),
            request_timeout=float(reader.whole("REQUEST_TIMEOUT", 30, 1, 600)),
            log_level=reader.log_level(),
            open_tools=embedded,
        )
        if reader.faults:
            raise SettingsError(reader.faults)
        return settings


class _Reader:
    """Reads variables and gathers what is wrong with them."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self.faults: list[str] = []

    def _fault(self, name: str, sentence: str) -> None:
        self.faults.append(f"{name} {sentence}")

    def mongo_uri(self) -> str:
        uri = self.environment.get("MONGO_URI", "")
        if not uri:
            self._fault("MONGO_URI", "is missing: the URI of a MongoDB replica set or sharded cluster")
        elif not uri.startswith(("mongodb://", "mongodb+srv://")):
            self._fault("MONGO_URI", "must start with mongodb:// or mongodb+srv://")
        return uri

    def secret(self, name: str, weak_allowed: bool) -> str:
        value = self.environment.get(name, "")
        if not value:
            self._fault(name, "is missing")
        elif len(value.encode()) < MINIMUM_SECRET_BYTES and not weak_allowed:
            self._fault(name, f"must be at least {MINIMUM_SECRET_BYTES} bytes (ALLOW_WEAK_SECRETS=1 lifts this)")
        return value

    def whole(self, name: str, default: int, minimum: int, maximum: int) -> int:
        raw = self.environment.get(name)
        if raw is None:
            return default
        if not (raw.isascii() and raw.isdigit() and len(raw) < 12 and minimum <= int(raw) <= maximum):
            self._fault(name, f"must be a whole number from {minimum} to {maximum}")
            return default
        return int(raw)

    def extra_ports(self) -> tuple[int, ...]:
        names = ("ORDER_SERVICE_PORT", "USAGE_FOLLOWER_SERVICE_PORT")
        ports = (self.whole(name, 0, 1, 65_535) for name in names)
        return tuple(dict.fromkeys(port for port in ports if port))

    def kafka_servers(self) -> str | None:
        raw = self.environment.get("KAFKA_URI")
        if raw is None:
            return None
        servers = [server.strip() for server in raw.removeprefix("kafka://").split(",")]
        for server in servers:
            host, _, port = server.rpartition(":")
            if not host or "/" in host or not port.isdigit() or not 0 < int(port) < 65_536:
                self._fault("KAFKA_URI", "must be host:port[,host:port]")
                break
        return ",".join(servers)

    def url(self, name: str) -> str | None:
        raw = self.environment.get(name)
        if raw is not None and (urlsplit(raw).scheme not in ("http", "https") or not urlsplit(raw).hostname):
            self._fault(name, "must be an http:// or https:// URL")
        return raw and raw.rstrip("/")

    def rate_limit(self) -> str:
        raw = self.environment.get("RATE_LIMIT", "100/15minutes")
        try:
            if len(parse_many(raw)) != 1 or parse_many(raw)[0].amount < 1:
                raise ValueError(raw)
        except ValueError:
            self._fault("RATE_LIMIT", "must be one limit such as 100/15minutes")
            return "100/15minutes"
        return raw

    def words(self, name: str) -> tuple[str, ...]:
        return tuple(word.strip() for word in self.environment.get(name, "").split(",") if word.strip())

    def networks(self, name: str) -> tuple[str, ...]:
        networks = self.words(name)
        for network in networks:
            try:
                ip_network(network, strict=False)
            except ValueError:
                self._fault(name, f"must be a list of IP addresses or networks ({network!r} is none)")
        return networks

    def log_level(self) -> str:
        level = self.environment.get("LOG_LEVEL", "info").lower()
        if level not in ("debug", "info", "warning", "error"):
            self._fault("LOG_LEVEL", "must be debug, info, warning or error")
        return level
