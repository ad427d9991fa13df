"""What was done and what was refused, as admins read it."""
