"""Coupons: the documented paths, the GraphQL fields, races, crashes, the take-over of older data."""
