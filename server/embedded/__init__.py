"""A real mongod and a real Apache Kafka as child processes, for `tessera dev` and for the tests alike."""

from server.embedded.child import ChildProcess, EmbeddedError
from server.embedded.kafka import EmbeddedKafka
from server.embedded.mongod import EmbeddedMongod

__all__ = ["ChildProcess", "EmbeddedError", "EmbeddedKafka", "EmbeddedMongod"]
