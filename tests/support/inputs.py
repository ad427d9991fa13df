"""Inputs that tests of readers take."""

from dataclasses import dataclass

from models.inputs import Input, Text


@dataclass(frozen=True, slots=True)
class Named(Input):
    """A text that is required."""

    name: Text
