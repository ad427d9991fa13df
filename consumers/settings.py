"""What the consumers process is told, read once from the environment and frozen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from models.environment import EnvironmentReader, MongoDriver, SettingsError, database_name
from services.connection import read_mongo_uri


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerSettings:
    """How one consumers process is run. `port` is that of its health (0: any that is free)."""

    mongo_uri: str = field(repr=False)
    kafka_servers: str
    database: str = "tessera"
    mongo_driver: MongoDriver = "motor"
    payment_uri: str | None = None
    usage_hold: int = 900
    port: int = 3001
    partitions: int = 3
    """With how many partitions a missing topic is made."""
    batch: int = 500
    """How many events of a partition go into one transaction at most."""
    topic_prefix: str = ""
    """Stands before the name of every topic and of the group, where several Tesserae share one Kafka."""
    log_level: str = "info"

    @property
    def group(self) -> str:
        return f"{self.topic_prefix}tessera"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read every variable; raises `SettingsError` naming all that are missing or malformed."""
        reader = EnvironmentReader(environment)
        mongo_uri, kafka_servers = read_mongo_uri(reader), reader.required_kafka_servers()
        settings = cls(
            mongo_uri=mongo_uri,
            database=database_name(mongo_uri),
            mongo_driver=reader.mongo_driver(),
            kafka_servers=kafka_servers,
            payment_uri=reader.url("PAYMENT_URI"),
            usage_hold=reader.usage_hold(),
            port=reader.whole("CONSUMERS_PORT", 3001, 0, 65_535),
            partitions=reader.whole("KAFKA_PARTITIONS", 3, 1, 1_000),
            batch=reader.whole("KAFKA_BATCH", 500, 1, 5_000),
            topic_prefix=reader.environment.get("KAFKA_TOPIC_PREFIX", ""),
            log_level=reader.log_level(),
        )
        if reader.faults:
            raise SettingsError(reader.faults)
        return settings
