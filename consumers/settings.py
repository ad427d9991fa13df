"""What the consumers process and the commands about events are told, read once from the environment and frozen."""

from typing import Annotated

from pydantic import Field

from services.settings import DatabaseSettings, KafkaServers, MongoSettings, ProcessSettings, Url, whole


class KafkaSettings(ProcessSettings):
    """How Kafka is reached, where nothing works without it."""

    kafka_servers: KafkaServers = Field(validation_alias="KAFKA_URI", description="host:port[,host:port] of Kafka")


class ReplaySettings(KafkaSettings, MongoSettings):
    """What putting records back asks for."""


class ConsumerSettings(KafkaSettings, DatabaseSettings):
    """How one consumers process is run. `host` and `port` are those of its health (port 0: any that is free)."""

    payment_uri: Url | None = None
    host: str = Field(default="0.0.0.0", validation_alias="CONSUMERS_HOST")  # noqa: S104  # a server's default
    port: Annotated[int, whole(0, 65_535)] = Field(default=3001, validation_alias="CONSUMERS_PORT")
    partitions: Annotated[int, whole(1, 1_000)] = Field(default=3, validation_alias="KAFKA_PARTITIONS")
    """With how many partitions a missing topic is made."""
    batch: Annotated[int, whole(1, 5_000)] = Field(default=500, validation_alias="KAFKA_BATCH")
    """How many events of a partition go into one transaction at most."""
    topic_prefix: str = Field(default="", validation_alias="KAFKA_TOPIC_PREFIX")
    """Stands before the name of every topic and of the group, where several Tesserae share one Kafka."""

    @property
    def group(self) -> str:
        return f"{self.topic_prefix}tessera"
