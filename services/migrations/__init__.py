"""What brings a database of an older release along."""
