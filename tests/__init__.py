"""The tests: one folder a level; all run against a real MongoDB and a real Kafka."""
