"""Texts as people see them: what nobody can see, and what case changes, makes no difference between two of them."""

import re
import unicodedata
from functools import lru_cache

_KEPT_CONTROLS = frozenset("\t\n\r\x00")
# Format characters that are seen: Arabic, Syriac and Kaithi signs that stand over the digits after them.
_SEEN_FORMATS = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
# What Unicode calls default-ignorable beside format characters: joiners, fillers, variation selectors, tags, reserves.
_IGNORABLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)
# Blank, though no white space to Unicode: Braille's cell without dots.
_OUTER = re.compile(r"[\s\u2800]+\Z|\A[\s\u2800]+")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def clean(text: str) -> str:
    """The text in NFC, without invisible characters and outer blanks; cleaning it again changes nothing.

    Invisible are format characters (zero-width, byte-order mark, soft hyphen, directions), controls and fillers. Tabs
    and line breaks within the text stay, and so do NUL and half surrogates, which whoever reads a text refuses.
    """
    if text.isascii() and text.isprintable():
        return text.strip()
    return _OUTER.sub("", unicodedata.normalize("NFC", "".join(filter(_is_visible, text))))


def is_storable(text: str) -> bool:
    """Whether the text can be written as UTF-8 and found again: it holds no NUL and no half of a surrogate pair."""
    return _UNSTORABLE.search(text) is None


def fold(text: str) -> str:
    """The form in which texts are compared where case makes no difference.

    It is made letter by letter, so that the form of a part is a part of the form of the whole, in any script and
    wherever it is cut: no final sigma by its neighbours, and `ß` is `ss` as `SS` is.
    """
    return text.lower() if text.isascii() else "".join(map(_fold_letter, text))


@lru_cache(8_192)
def _fold_letter(letter: str) -> str:
    # By way of the capital, because some small letters (dotless i, iota with two accents) share it with others.
    return "".join(part.casefold() for part in unicodedata.normalize("NFC", letter.upper()))


def _is_visible(letter: str) -> bool:
    if unicodedata.category(letter) in ("Cf", "Cc"):
        return letter in _KEPT_CONTROLS or letter in _SEEN_FORMATS
    return _IGNORABLE.match(letter) is None
