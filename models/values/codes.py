"""What every kind of code shares: the form it is kept in, and the forms it is looked up by."""

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeVar

from models.values.texts import clean, fold

Item = TypeVar("Item")

_DASHES = frozenset("\u02d7\u2043\u207b\u208b\u2212\u23af\u2500\u2501\u2796\u30fc\uff70")
"""Minus signs, rules and the long-vowel sign of a Japanese keyboard: dashes to whoever types them."""


def normalize_code(code: str) -> str:
    """The form a code is kept in: cleaned and in capitals. Of a code in this form it is the code itself."""
    capitals = clean(code).upper()
    return capitals if capitals.isascii() else clean(capitals)


def typed_form(code: str) -> str:
    """What typing changes is gone from a code: case, kinds of dashes and blanks, full-width letters and digits.

    It is made letter by letter, as `fold` is, so that the form of a part is a part of the form of the whole.
    """
    cleaned = clean(code)
    return fold(cleaned if cleaned.isascii() else "".join(map(_plain_letter, cleaned)))


def compact_form(code: str) -> str:
    """A code by its letters and digits alone: no dash, blank, quote, bracket or full stop, typed or not.

    A code that has neither letter nor digit is what it is.
    """
    typed = typed_form(code)
    return "".join(filter(str.isalnum if typed.isascii() else _is_of_word, typed)) or typed


def kept_forms(typed: str) -> tuple[str, ...]:
    """The codes, as they are kept, that a typed code may be where each of its dashes counts; the likeliest first."""
    return tuple(dict.fromkeys((normalize_code(typed), normalize_code(typed_form(typed)))))


def likeliest(typed: str, items: Mapping[str, Item]) -> Item | None:
    """Returns that of these items, each under its code, whose code was typed, where each of its dashes counts."""
    return next((items[form] for form in kept_forms(typed) if form in items), None)


class CodeBook(Generic[Item]):
    """Items by their codes, each found however its code is typed, where neither dashes nor blanks count."""

    def __init__(self, items: Iterable[Item] = (), code_of: Callable[[Item], str] = str) -> None:
        self._items: dict[str, dict[str, Item]] = {}
        for item in items:
            self.put(code_of(item), item)

    def put(self, code: str, item: Item) -> None:
        self._items.setdefault(compact_form(code), {})[code] = item

    def remove(self, code: str) -> None:
        del self._items[compact_form(code)][code]

    def find(self, typed: str) -> Item | None:
        """The item whose code was typed, by the strictest reading that any code agrees with.

        None where none agrees, and where several do: nobody can say which of them was meant.
        """
        alike = self._items.get(compact_form(typed), {})
        for form in (normalize_code, typed_form, compact_form):
            sought = form(typed)
            same = [item for code, item in alike.items() if form(code) == sought]
            if same:
                return same[0] if len(same) == 1 else None
        return None


def draw_code(draw: Callable[[int], int], alphabet: str, length: int) -> str:
    """A code of so many letters; `draw(n)` is a whole number below n (from a cryptographic source)."""
    number, letters = draw(len(alphabet) ** length), ""
    for _ in range(length):
        number, place = divmod(number, len(alphabet))
        letters += alphabet[place]
    return letters


def _plain_letter(letter: str) -> str:
    if unicodedata.category(letter) == "Pd" or letter in _DASHES:
        return "-"
    return " " if letter.isspace() else unicodedata.normalize("NFKC", letter)


def _is_of_word(letter: str) -> bool:
    return unicodedata.category(letter)[0] in "LNM"
