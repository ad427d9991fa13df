"""Texts as people see them: what nobody can see makes no difference between two of them."""

import re
import unicodedata

_KEPT_CONTROLS = frozenset("\t\n\r\x00")
# Letters that fill no space, and variation selectors: invisible, though of other categories than format or control.
_FILLER = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def clean(text: str) -> str:
    """The text in NFC, trimmed and without invisible characters.

    Invisible are format characters (zero-width, byte-order mark, soft hyphen, directions), controls and fillers. Tabs
    and line breaks within the text stay, and so does NUL, which whoever reads a text refuses.
    """
    if text.isascii() and text.isprintable():
        return text.strip()
    return unicodedata.normalize("NFC", "".join(filter(_is_visible, text))).strip()


def _is_visible(letter: str) -> bool:
    if unicodedata.category(letter) in ("Cf", "Cc"):
        return letter in _KEPT_CONTROLS
    return _FILLER.match(letter) is None
