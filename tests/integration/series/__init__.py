"""Series of what happened."""
