"""Coupons: the entity, its commands and refusals, the pure rules and effects, the events."""
