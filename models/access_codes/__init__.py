"""Access codes: the entity, its commands and refusals, the pure rules and effects."""
