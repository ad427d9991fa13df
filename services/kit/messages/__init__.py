"""What comes from Kafka and goes there: events acted on once, events to send, and what could do neither."""
