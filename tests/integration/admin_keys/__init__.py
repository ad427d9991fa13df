"""Admin keys: what is shown and kept of them, who may do what by them, and how they end."""
