"""Inputs that tests of readers take."""

from dataclasses import dataclass

from models.inputs import text


@dataclass(frozen=True, slots=True)
class Named:
    """A text that is required."""

    name: str = text("name")
