"""Substring search by trigrams: a literal part of a text, anywhere in it, ignoring case, in any script."""

import re
from collections.abc import Mapping

from models.values.texts import clean, fold

TRIGRAM = 3


def search_key(text: str) -> str:
    """The form in which a text is searched; that of a part is a part of it."""
    return fold(clean(text))


def trigrams(key: str) -> list[str]:
    """Every run of three letters of a key, once, for a multikey index."""
    return sorted({key[n : n + TRIGRAM] for n in range(len(key) - TRIGRAM + 1)})


def every_other_trigram(key: str) -> list[str]:
    """Every other run of three letters of a key from its third letter on, for an index of fewer keys.

    Any four letters of it hold one of these, or are its beginning.
    """
    return sorted({key[n : n + TRIGRAM] for n in range(2, len(key) - TRIGRAM + 1, 2)})


def contains_by_some(key_field: str, trigram_field: str, part: str) -> Mapping[str, object]:
    """The query of `contains`, where every other trigram is stored: they and the key narrow it from four letters on.

    A part begins the key, or those of its trigrams are stored that stand at even places in it, or those at odd ones.
    """
    pattern = {key_field: {"$regex": re.escape(part)}}
    if len(part) <= TRIGRAM:
        return pattern
    runs = [part[n : n + TRIGRAM] for n in range(len(part) - TRIGRAM + 1)]
    either = [{trigram_field: {"$all": some}, **pattern} for some in (runs[::2], runs[1::2])]
    return {"$or": [{key_field: {"$regex": f"^{re.escape(part)}"}}, *either]}


def contains(key_field: str, trigram_field: str, part: str) -> Mapping[str, object]:
    """The query for texts whose keys, as stored, hold that of `part`, which is one itself.

    The trigrams narrow the search by an index; the pattern judges. A part under three letters has none: it is common,
    and a walk that stops at the page's end finds it at once.
    """
    pattern = {key_field: {"$regex": re.escape(part)}}
    runs = trigrams(part)
    return {trigram_field: {"$all": runs}, **pattern} if runs else pattern
