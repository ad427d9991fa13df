"""A real mongod and a real Apache Kafka as child processes, for `tessera dev` and for the tests alike."""

from devtools.embedded.child import ChildProcess, EmbeddedError
from devtools.embedded.kafka import EmbeddedKafka
from devtools.embedded.mongod import EmbeddedMongod

__all__ = ["ChildProcess", "EmbeddedError", "EmbeddedKafka", "EmbeddedMongod"]
