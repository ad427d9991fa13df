"""Search for a part of a code, wherever it stands in it.

Codes of our own form, six letters and digits, are made by the million, and four trigrams of each would cost more than
all else that is written of it. They have one key in their place: their letters in another order, from the middle
outwards. A part of three letters or more that does not begin the code holds its fourth letter, so that it says how the
key begins; one that begins it says how the code does.
"""

import re
from string import ascii_lowercase, digits

from bson.regex import Regex
from pymongo import ASCENDING, IndexModel

from models.values.codes import typed_form
from services.kit.database import Document
from services.kit.search import TRIGRAM, contains, trigrams

CODE_SEARCH_FIELDS = ("codeKey", "codeTrigrams", "codeTurned")
CODE_SEARCH_INDEXES = [
    IndexModel([("codeTrigrams", ASCENDING)], name="codeTrigrams"),
    IndexModel([("codeTurned", ASCENDING)], name="codeTurned", sparse=True),
]

_LETTERS = ascii_lowercase + digits
_OURS = re.compile(r"[a-z0-9]{6}")
_PART_OF_OURS = re.compile(r"[a-z0-9]{3,6}")
_LENGTH = 6
_TURNED = (3, 4, 2, 5, 1, 0)
"""The places of a code's letters, in their order in its key."""


def search_fields(code: str) -> Document:
    """What a code is found by: codes of older systems, which may be any text, by their trigrams."""
    key = typed_form(code)
    if _OURS.fullmatch(key):
        return {"codeKey": key, "codeTurned": "".join([key[place] for place in _TURNED])}
    return {"codeKey": key, "codeTrigrams": trigrams(key)}


def holds_part(typed: str) -> Document:
    """Returns the query for the codes that hold a part, ignoring case.

    Release 1.0.0 gives every code trigrams. A part under three letters is common: a walk finds it at once.
    """
    part = typed_form(typed)
    by_trigrams = dict(contains("codeKey", "codeTrigrams", part))
    if len(part) < TRIGRAM or not _PART_OF_OURS.fullmatch(part):
        return by_trigrams
    begins: Document = {"code": Regex(f"^{part.upper()}")}
    within = [_holds_at(part, place) for place in range(1, _LENGTH - len(part) + 1)]
    return {"$or": [by_trigrams, begins, *within]}


def _holds_at(part: str, place: int) -> Document:
    """The query for the codes of our form that hold a part at a place behind the first."""
    letters = dict(enumerate(part, place))
    pattern = "".join(letters.get(each, ".") for each in _TURNED).rstrip(".")
    query: Document = {"codeTurned": Regex(f"^{pattern}")}
    if pattern[1] != ".":
        return query
    # The first letter alone would leave a 36th of all codes: each second letter makes a short stretch of the index.
    stretches = [Regex(f"^{pattern[0]}{letter}{pattern[2]}") for letter in _LETTERS]
    return {"$and": [query, {"codeTurned": {"$in": stretches}}]}
