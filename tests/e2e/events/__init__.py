"""Events: the relay, the consumers, dead letters and replay, on a real Kafka."""
