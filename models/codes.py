"""What every kind of code shares."""

from collections.abc import Callable


def normalize_code(code: str) -> str:
    """The form a code is stored and looked up in: no outer blanks, upper case."""
    return code.strip().upper()


def draw_code(draw: Callable[[int], int], alphabet: str, length: int) -> str:
    """A code of so many letters; `draw(n)` is a whole number below n (from a cryptographic source)."""
    number, letters = draw(len(alphabet) ** length), ""
    for _ in range(length):
        number, place = divmod(number, len(alphabet))
        letters += alphabet[place]
    return letters
