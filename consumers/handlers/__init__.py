"""What the events of each topic do."""
