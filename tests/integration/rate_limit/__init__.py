"""The rate limit: what workers reserve ahead, and how they stay exact together."""
