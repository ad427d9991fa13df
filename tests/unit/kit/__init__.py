"""The pure parts of the kit."""
