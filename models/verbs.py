"""What one can do, by name. Each verb is declared with the command that asks for it."""

from dataclasses import dataclass

VERBS: dict[str, "Verb"] = {}
"""Every verb by its name."""


@dataclass(frozen=True, slots=True)
class Verb:
    """What is done, by the name of the mutation that does it; `meaning` is what clients read of it in the schema.

    Activity tells of it where an admin does it, where it is `of_anyone` whoever does, and with `when_refused` also of
    whoever was refused.
    """

    name: str
    meaning: str
    of_anyone: bool = False
    when_refused: bool = False

    def __post_init__(self) -> None:
        VERBS[self.name] = self
