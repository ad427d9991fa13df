"""Substring search by runs of letters: a literal part of a text, anywhere in it, ignoring case, in any script."""

import re
from collections.abc import Mapping

from models.values.texts import clean, fold

TRIGRAM = 3
RUN = 6
"""How many letters a run has. One of three is in a thousandth of many names, one of six in hardly two."""


def search_key(text: str) -> str:
    """The form in which a text is searched; that of a part is a part of it."""
    return fold(clean(text))


def trigrams(key: str) -> list[str]:
    """Every run of three letters of a key, once, for a multikey index."""
    return sorted({key[n : n + TRIGRAM] for n in range(len(key) - TRIGRAM + 1)})


def runs(key: str) -> list[str]:
    """The run that begins at each letter of a key but its last two, once, for a multikey index; a short key whole.

    A part of three letters or more begins one of them, whole or as far as it goes, so that an index finds it by its
    beginning; and a list is never empty, so that an index tells which documents have none.
    """
    return sorted({key[n : n + RUN] for n in range(max(1, len(key) - TRIGRAM + 1))})


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


def contains_by_runs(key_field: str, runs_field: str, part: str) -> Mapping[str, object]:
    """The query of `contains`, where runs are stored: it reads no more of their index than it finds.

    A longer part is found by its rarest run, which MongoDB chooses by trying, and judged by the key.
    """
    if TRIGRAM <= len(part) <= RUN:
        return {runs_field: {"$regex": f"^{re.escape(part)}"}}
    pattern = {key_field: {"$regex": re.escape(part)}}
    whole = sorted({part[n : n + RUN] for n in range(len(part) - RUN + 1)})
    return {runs_field: {"$all": whole}, **pattern} if whole else pattern


def contains(key_field: str, trigram_field: str, part: str) -> Mapping[str, object]:
    """The query for texts whose keys, as stored, hold that of `part`, which is one itself.

    The trigrams narrow the search by an index; the pattern judges. A part under three letters has none: it is common,
    and a walk that stops at the page's end finds it at once.
    """
    pattern = {key_field: {"$regex": re.escape(part)}}
    runs = trigrams(part)
    return {trigram_field: {"$all": runs}, **pattern} if runs else pattern
