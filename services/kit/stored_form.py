"""The form in which documents are stored."""

from typing import Any

from services.kit.mapping import Derived

FORM = 2
"""The present form of coupons, access codes, usage followers and orders: texts in NFC, without invisible characters.

Each of their documents names its form in `form`; those of an older system and of the first release have none, or 1.
"""

WITH_FORM: Derived[Any] = Derived(frozenset(), lambda _: {"form": FORM})
"""Writes it into each new document."""
