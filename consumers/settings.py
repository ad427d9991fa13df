"""What the consumers process and the commands about events are told, read once from the environment and frozen."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias, get_args

from pydantic import Field, ValidationInfo, field_validator

from services.settings import (
    DatabaseSettings,
    GivenKafkaUri,
    KafkaUri,
    Malformed,
    MongoSettings,
    ProcessSettings,
    TelemetrySettings,
    Url,
    whole,
    written,
)

if TYPE_CHECKING:
    from consumers.connection import KafkaConnection, Tls


def _file(raw: str) -> Path:
    path = Path(raw)
    try:
        path.read_bytes()
    except OSError as fault:
        raise Malformed(f"cannot be read: {fault.strerror}") from None
    return path


def _command(raw: str) -> str:
    try:
        if "".join(shlex.split(raw)[:1]):
            return raw
    except ValueError as fault:  # It tells of quotes alone, and shows none of what is between them.
        raise Malformed(f"is no program and its arguments: {str(fault)[:1].lower()}{str(fault)[1:]}") from None
    raise Malformed("is no program and its arguments: there is no word in it")


def _usable(file: Path | None, tls: "Tls") -> Path | None:
    """The PEM file, once it has been used as it will be. What OpenSSL says shows nothing of a key."""
    try:
        tls.context()
    except OSError as fault:
        raise Malformed(f"cannot be used: {getattr(fault, 'reason', None) or fault.strerror}") from None
    return file


def _asks_for_tls(uri: KafkaUri, protocol: str | None) -> bool:
    return uri.tls if protocol is None else protocol.endswith("SSL")


Mechanism: TypeAlias = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]
MECHANISMS: tuple[Mechanism, ...] = get_args(Mechanism)
BY_TOKEN = "OAUTHBEARER"
PemFile: TypeAlias = Annotated[Path, written(_file)]


class KafkaSettings(ProcessSettings):
    """How Kafka is reached, where nothing works without it."""

    kafka_uri: GivenKafkaUri = Field(description="host:port[,host:port] of Kafka")
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] | None = None
    kafka_ssl_ca: PemFile | None = None
    kafka_ssl_certificate: PemFile | None = None
    kafka_ssl_key_password: str | None = Field(default=None, repr=False)
    kafka_ssl_key: PemFile | None = Field(default=None, validate_default=True)
    kafka_sasl_mechanism: Mechanism | None = Field(default=None, validate_default=True)
    kafka_sasl_username: str | None = Field(default=None, validate_default=True)
    kafka_sasl_password: str | None = Field(default=None, validate_default=True, repr=False)
    kafka_sasl_token_command: Annotated[str, written(_command)] | None = Field(
        default=None, validate_default=True, repr=False
    )

    @property
    def kafka(self) -> "KafkaConnection":
        from consumers.connection import KafkaConnection, Sasl, Tls

        tls, sasl = None, None
        if _asks_for_tls(self.kafka_uri, self.kafka_security_protocol):
            tls = Tls(self.kafka_ssl_ca, self.kafka_ssl_certificate, self.kafka_ssl_key, self.kafka_ssl_key_password)
        if self.kafka_sasl_mechanism is not None:
            sasl = Sasl(
                self.kafka_sasl_mechanism,
                self.kafka_sasl_username,
                self.kafka_sasl_password,
                self.kafka_sasl_token_command,
            )
        return KafkaConnection(self.kafka_uri.servers, tls, sasl)

    @field_validator("kafka_security_protocol")
    @classmethod
    def _agrees_with_scheme(cls, protocol: str | None, info: ValidationInfo) -> str | None:
        uri = info.data.get("kafka_uri")
        if uri is not None and uri.tls and protocol in ("PLAINTEXT", "SASL_PLAINTEXT"):
            raise Malformed(f"is {protocol}, but KAFKA_URI asks for TLS")
        return protocol

    @field_validator("kafka_ssl_ca")
    @classmethod
    def _holds_authorities(cls, file: Path | None) -> Path | None:
        from consumers.connection import Tls

        return _usable(file, Tls(ca=file))

    @field_validator("kafka_ssl_key")
    @classmethod
    def _fits_certificate(cls, file: Path | None, info: ValidationInfo) -> Path | None:
        certificate = info.data.get("kafka_ssl_certificate")
        if certificate is None:
            if file is not None:
                raise Malformed("needs KAFKA_SSL_CERTIFICATE beside it")
            return None
        from consumers.connection import Tls

        return _usable(file, Tls(None, certificate, file, info.data.get("kafka_ssl_key_password")))

    @field_validator("kafka_sasl_mechanism")
    @classmethod
    def _goes_with_protocol(cls, mechanism: str | None, info: ValidationInfo) -> str | None:
        protocol = info.data.get("kafka_security_protocol") or ""
        if protocol.startswith("SASL_") and mechanism is None:
            raise Malformed(f"is missing: KAFKA_SECURITY_PROTOCOL={protocol} needs one of {', '.join(MECHANISMS)}")
        if mechanism is not None and not protocol.startswith("SASL_"):
            raise Malformed("needs KAFKA_SECURITY_PROTOCOL=SASL_SSL (or SASL_PLAINTEXT)")
        return mechanism

    @field_validator("kafka_sasl_username", "kafka_sasl_password", "kafka_sasl_token_command")
    @classmethod
    def _is_what_the_mechanism_needs(cls, given: str | None, info: ValidationInfo) -> str | None:
        mechanism = info.data.get("kafka_sasl_mechanism")
        if mechanism is None:
            return given
        if given is None and (mechanism == BY_TOKEN) == (info.field_name == "kafka_sasl_token_command"):
            raise Malformed(f"is missing: KAFKA_SASL_MECHANISM={mechanism} needs it")
        return given


class ReplaySettings(KafkaSettings, MongoSettings):
    """What putting records back asks for."""


class GroupSettings(KafkaSettings):
    """Which topics and which group are ours."""

    topic_prefix: str = Field(default="", validation_alias="KAFKA_TOPIC_PREFIX")
    """Stands before the name of every topic and of the group, where several Tesserae share one Kafka."""

    @property
    def group(self) -> str:
        return f"{self.topic_prefix}tessera"


class ConsumerSettings(GroupSettings, DatabaseSettings, TelemetrySettings):
    """How one consumers process is run. `host` and `port` are those of its health (port 0: any that is free)."""

    payment_uri: Url | None = None
    host: str = Field(default="0.0.0.0", validation_alias="CONSUMERS_HOST")  # noqa: S104  # a server's default
    port: Annotated[int, whole(0, 65_535)] = Field(default=3001, validation_alias="CONSUMERS_PORT")
    partitions: Annotated[int, whole(1, 1_000)] = Field(default=3, validation_alias="KAFKA_PARTITIONS")
    """With how many partitions a missing topic is made."""
    batch: Annotated[int, whole(1, 5_000)] = Field(default=500, validation_alias="KAFKA_BATCH")
    """How many events of a partition go into one transaction at most."""
