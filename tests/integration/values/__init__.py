"""Values as they come in."""
