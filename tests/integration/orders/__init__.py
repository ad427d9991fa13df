"""Orders, by every door."""
