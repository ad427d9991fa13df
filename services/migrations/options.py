"""What a migration is told."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """How migrations are run: `thorough` looks at everything anew; a hold that is imported lives `usage_hold` s."""

    thorough: bool = False
    usage_hold: int = 900
