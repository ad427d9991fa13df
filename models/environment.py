"""How variables of the environment are read: each by its kind, and every fault kept until all are read."""

from collections.abc import Mapping
from typing import Literal, TypeAlias, get_args
from urllib.parse import unquote, urlsplit

from models.networks import read_network
from models.origins import read_origin

MINIMUM_SECRET_BYTES = 32
MongoDriver: TypeAlias = Literal["motor", "pymongo"]


class SettingsError(Exception):
    """The environment cannot be worked with; `faults` has one sentence for each variable at fault."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("Tessera cannot start:\n" + "\n".join(f"  - {fault}" for fault in faults))


class EnvironmentReader:
    """Reads variables and gathers in `faults` what is wrong with them; a faulty one reads as its default."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = {name: value.strip() for name, value in environment.items() if value.strip()}
        self.faults: list[str] = []

    def fault(self, name: str, sentence: str) -> None:
        self.faults.append(f"{name} {sentence}")

    def mongo_uri(self) -> str:
        uri = self.environment.get("MONGO_URI", "")
        if not uri:
            self.fault("MONGO_URI", "is missing: the URI of a MongoDB replica set or sharded cluster")
        elif not uri.startswith(("mongodb://", "mongodb+srv://")):
            self.fault("MONGO_URI", "must start with mongodb:// or mongodb+srv://")
        return uri

    def mongo_driver(self) -> MongoDriver:
        raw = self.environment.get("MONGO_DRIVER", "motor")
        for driver in get_args(MongoDriver):
            if raw == driver:
                known: MongoDriver = driver
                return known
        self.fault("MONGO_DRIVER", "must be motor or pymongo")
        return "motor"

    def secret(self, name: str, weak_allowed: bool) -> str:
        value = self.environment.get(name, "")
        if not value:
            self.fault(name, "is missing")
        elif len(value.encode()) < MINIMUM_SECRET_BYTES and not weak_allowed:
            self.fault(name, f"must be at least {MINIMUM_SECRET_BYTES} bytes (ALLOW_WEAK_SECRETS=1 lifts this)")
        return value

    def whole(self, name: str, default: int, minimum: int, maximum: int) -> int:
        raw = self.environment.get(name)
        if raw is None:
            return default
        if not (raw.isascii() and raw.isdigit() and len(raw) < 12 and minimum <= int(raw) <= maximum):
            self.fault(name, f"must be a whole number from {minimum} to {maximum}")
            return default
        return int(raw)

    def usage_hold(self) -> int:
        """Seconds that a hold of usage lives: whoever migrates needs it, because holds of an older system live on."""
        return self.whole("USAGE_HOLD", 900, 1, 31_536_000)

    def switch(self, name: str, *, default: bool) -> bool:
        raw = self.environment.get(name, "1" if default else "0")
        if raw not in ("0", "1"):
            self.fault(name, "must be 0 or 1")
        return raw == "1"

    def kafka_servers(self) -> str | None:
        """`host:port[,host:port]` without its scheme, or None where it is unset."""
        raw = self.environment.get("KAFKA_URI")
        if raw is None:
            return None
        servers = [server.strip() for server in raw.removeprefix("kafka://").split(",")]
        for server in servers:
            host, _, port = server.rpartition(":")
            if not host or "/" in host or not port.isdigit() or not 0 < int(port) < 65_536:
                self.fault("KAFKA_URI", "must be host:port[,host:port]")
                break
        return ",".join(servers)

    def required_kafka_servers(self) -> str:
        """The same where nothing works without it."""
        servers = self.kafka_servers()
        if servers is None:
            self.fault("KAFKA_URI", "is missing: host:port[,host:port] of Kafka")
        return servers or ""

    def url(self, name: str) -> str | None:
        raw = self.environment.get(name)
        if raw is not None and (urlsplit(raw).scheme not in ("http", "https") or not urlsplit(raw).hostname):
            self.fault(name, "must be an http:// or https:// URL")
        return raw and raw.rstrip("/")

    def words(self, name: str) -> tuple[str, ...]:
        return tuple(word.strip() for word in self.environment.get(name, "").split(",") if word.strip())

    def origins(self, name: str) -> tuple[str, ...]:
        """Origins of pages as browsers send them, without repetition; or `*` alone, for all."""
        words = self.words(name)
        if words == ("*",):
            return words
        origins = []
        for word in words:
            try:
                origins.append(read_origin(word))
            except ValueError:
                reason = "* stands alone" if word == "*" else f"{word!r} is none that a browser sends"
                self.fault(name, f"must be a list of origins such as https://shop.example ({reason})")
        return tuple(dict.fromkeys(origins))

    def networks(self, name: str) -> tuple[str, ...]:
        """Networks as `ipaddress` writes them, without repetition."""
        networks = []
        for word in self.words(name):
            try:
                networks.append(str(read_network(word)))
            except ValueError:
                self.fault(name, f"must be a list of IP addresses or networks, not of all ({word!r} is none)")
        return tuple(dict.fromkeys(networks))

    def log_level(self) -> str:
        level = self.environment.get("LOG_LEVEL", "info").lower()
        if level not in ("debug", "info", "warning", "error"):
            self.fault("LOG_LEVEL", "must be debug, info, warning or error")
        return level


def database_name(mongo_uri: str) -> str:
    """The database that a MongoDB URI names, else `tessera`."""
    try:
        return unquote(urlsplit(mongo_uri).path.lstrip("/")) or "tessera"
    except ValueError:  # An URI that is none; its reader has named it.
        return "tessera"
