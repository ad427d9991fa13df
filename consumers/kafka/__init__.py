"""Events in and out of Kafka, whatever they mean."""
