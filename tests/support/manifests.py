"""Manifests of trusted documents that cannot be read."""

import pytest

faulty_manifests = pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file"),
        ("{", "it is not JSON"),
        ("[]", "must be a JSON object"),
        ('{"a": 5}', "must be a JSON object"),
        ('{"0123": "{ a }"}', "hashes that are not theirs: 0123"),
    ],
)
"""A test of each: what stands in the file (None: there is none), and what is said of it."""
