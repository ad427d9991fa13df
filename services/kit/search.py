"""Substring search by trigrams: a literal part of a text, anywhere in it, ignoring case."""

import re
from typing import Any

TRIGRAM = 3


def fold(text: str) -> str:
    """The form in which texts are compared."""
    return text.lower()


def trigrams(text: str) -> list[str]:
    """Every run of three letters of a text, once, for a multikey index."""
    folded = fold(text)
    return sorted({folded[n : n + TRIGRAM] for n in range(len(folded) - TRIGRAM + 1)})


def contains(folded_field: str, trigram_field: str, part: str) -> dict[str, Any]:
    """The query for texts that hold `part`.

    The trigrams narrow the search by an index; the pattern judges. A part under three letters has none: it is common,
    and a walk that stops at the page's end finds it at once.
    """
    pattern = {folded_field: {"$regex": re.escape(fold(part))}}
    runs = trigrams(part)
    return {trigram_field: {"$all": runs}, **pattern} if runs else pattern
