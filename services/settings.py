"""What a process is told: variables of the environment, read once and frozen. Every fault is named in one message.

A class has a field for each variable, under the variable's name in lower case where no other is said. Fields may also
be given by their own names, as values that are read already.
"""

import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import Annotated, Literal, NamedTuple, Self, TypeAlias
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from models.values.networks import read_network
from models.values.origins import read_origin
from services.environment import misspelt, read_variables
from services.mongo_uri import FORM, MongoDriver, database_name, is_sound

_KAFKA_SERVER = re.compile(r"(?:(?P<scheme>kafka(?:\+ssl)?)://)?(?P<host>.+):(?P<port>[0-9]{1,5})")


class SettingsError(Exception):
    """The environment cannot be worked with; `faults` has one sentence for each variable at fault."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = faults
        super().__init__("Tessera cannot start:\n" + "\n".join(f"  - {fault}" for fault in faults))


class Malformed(ValueError):
    """A variable's text cannot be read; each argument is the rest of a sentence that begins with its name."""


def written(read: Callable[[str], object]) -> BeforeValidator:
    """How a variable's text is read. `read` raises `Malformed`."""
    return BeforeValidator(lambda value: read(value) if isinstance(value, str) else value)


def whole(minimum: int, maximum: int) -> BeforeValidator:
    """A whole number in ASCII digits, from `minimum` to `maximum`."""

    def read(raw: str) -> int:
        if not (raw.isascii() and raw.isdigit() and len(raw) < 12 and minimum <= int(raw) <= maximum):
            raise Malformed(f"must be a whole number from {minimum} to {maximum}")
        return int(raw)

    return written(read)


def _mongo_uri(raw: str) -> str:
    if not raw.startswith(("mongodb://", "mongodb+srv://")):
        raise Malformed("must start with mongodb:// or mongodb+srv://")
    if not is_sound(raw):
        raise Malformed(FORM)
    return raw


def _switch(raw: str) -> bool:
    if raw not in ("0", "1"):
        raise Malformed("must be 0 or 1")
    return raw == "1"


class KafkaUri(NamedTuple):
    """`host:port[,host:port]`, and whether the scheme asks for TLS."""

    servers: str
    tls: bool


def _kafka_uri(raw: str) -> KafkaUri:
    found = [_KAFKA_SERVER.fullmatch(server.strip()) for server in raw.split(",")]
    if not all(server and "/" not in server["host"] and 0 < int(server["port"]) < 65_536 for server in found):
        raise Malformed("must be host:port[,host:port], with kafka:// or kafka+ssl:// before it if you like")
    schemes = {server["scheme"] for server in found if server and server["scheme"]}
    if len(schemes) > 1:
        raise Malformed("must have one scheme for all of its servers")
    servers = ",".join(f"{server['host']}:{server['port']}" for server in found if server)
    return KafkaUri(servers, tls=schemes == {"kafka+ssl"})


def _url(raw: str) -> str:
    try:
        if urlsplit(raw).scheme in ("http", "https") and urlsplit(raw).hostname:
            return raw.rstrip("/")
    except ValueError:  # Its sentence may show a password.
        pass
    raise Malformed("must be an http:// or https:// URL")


def _each_word(raw: str, read: Callable[[str], object], sentence: Callable[[str], str]) -> tuple[str, ...]:
    words: dict[str, None] = {}
    faults = []
    for word in filter(None, map(str.strip, raw.split(","))):
        try:
            words[str(read(word))] = None
        except ValueError:
            faults.append(sentence(word))
    if faults:
        raise Malformed(*faults)
    return tuple(words)


def _origins(raw: str) -> tuple[str, ...]:
    def sentence(word: str) -> str:
        reason = "* stands alone" if word == "*" else f"{word!r} is none that a browser sends"
        return f"must be a list of origins such as https://shop.example ({reason})"

    return ("*",) if raw.strip(", ") == "*" else _each_word(raw, read_origin, sentence)


def _networks(raw: str) -> tuple[str, ...]:
    sentence = "must be a list of IP addresses or networks, not of all ({!r} is none)".format
    return _each_word(raw, read_network, sentence)


Port: TypeAlias = Annotated[int, whole(1, 65_535)]
Switch: TypeAlias = Annotated[bool, written(_switch)]
Sign: TypeAlias = Annotated[bool, written(lambda raw: raw == "1")]
"""On by `1`; whatever else stands there is off."""
GivenKafkaUri: TypeAlias = Annotated[KafkaUri, written(_kafka_uri)]
Url: TypeAlias = Annotated[str, written(_url)]
Origins: TypeAlias = Annotated[tuple[str, ...], written(_origins)]
"""Origins of pages as browsers send them, without repetition; or `*` alone, for all."""
Networks: TypeAlias = Annotated[tuple[str, ...], written(_networks)]
"""Networks as `ipaddress` writes them, without repetition."""


class ProcessSettings(BaseModel):
    """The base of what any process or command is told."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        alias_generator=str.upper,
        validate_by_name=True,
        validate_by_alias=False,
        hide_input_in_errors=True,
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read every variable, a blank one as if it were not there; `NAME_FILE` names a file that holds NAME.

        Raises `SettingsError` naming all that are missing or malformed, and what may be meant; it shows no secret.
        """
        variables, unread = read_variables(environment, cls.names())
        faults = list(unread.values())
        try:
            settings = cls.model_validate(variables, by_alias=True, by_name=False)
        except ValidationError as fault:
            faults += [sentence for one in fault.errors() for sentence in cls._sentences(one, unread)]
        else:
            if not faults:
                return settings
        raise SettingsError([*faults, *cls.misspelt(environment)])

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """The variables that are read."""
        return tuple(str(field.validation_alias) for field in cls.model_fields.values())

    @classmethod
    def misspelt(cls, environment: Mapping[str, str]) -> list[str]:
        """A sentence for each variable that is none of these, but nearly."""
        return list(misspelt(environment, cls.names()))

    @classmethod
    def _sentences(cls, fault: ErrorDetails, told: Container[str]) -> Iterator[str]:
        # A fault of what was read names the variable, one of a default names the field.
        place = fault["loc"][0]
        [field] = (one for name, one in cls.model_fields.items() if place in (name, one.validation_alias))
        if field.validation_alias in told:
            return
        match fault:
            case {"type": "missing"}:
                rests = [f"is missing: {field.description}" if field.description else "is missing"]
            case {"type": "literal_error", "ctx": {"expected": expected}}:
                rests = [f"must be {expected}".replace("'", "")]
            case {"ctx": {"error": Malformed(args=rests)}}:
                pass
            case _:  # What a library says may show the value.
                rests = ["cannot be read"]
        yield from (f"{field.validation_alias} {rest}" for rest in rests)


def _telemetry(endpoint: str) -> str:
    if find_spec("opentelemetry.sdk") is None:
        raise Malformed("needs what is installed by the extra `telemetry`")
    return _url(endpoint)


class TelemetrySettings(ProcessSettings):
    """Where traces go. What else OpenTelemetry's SDK reads of the environment it reads by itself."""

    otel_exporter_otlp_endpoint: Annotated[str, written(_telemetry)] | None = None


class MongoSettings(ProcessSettings):
    """How MongoDB is reached."""

    mongo_uri: Annotated[str, written(_mongo_uri)] = Field(
        repr=False, description="the URI of a MongoDB replica set or sharded cluster"
    )
    mongo_driver: MongoDriver = "motor"

    @property
    def database(self) -> str:
        return database_name(self.mongo_uri)


class DatabaseSettings(MongoSettings):
    """What a command needs that works on the database alone."""

    usage_hold: Annotated[int, whole(1, 31_536_000)] = 900
    """Seconds that a hold of usage lives: whoever migrates needs it, because holds of an older system live on."""
    activity_days: Annotated[int, whole(1, 36_500)] = 90
    """Days after which refusals are no longer told of."""
    log_level: Annotated[Literal["debug", "info", "warning", "error"], written(str.lower)] = "info"
