"""The environment as settings are read from it: files that stand for variables, and names that are nearly right."""

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path

FROM_FILE = "_FILE"
"""Behind a variable's name: the file that holds its value, as orchestrators mount their secrets."""
OF_OTHERS = "OTEL_"
"""How names begin that a library reads by itself."""
BEGINNING, LIKENESS = 3, 0.75
"""How many letters a name has to begin with as one of ours, and how much of both has to be the same."""


def read_variables(environment: Mapping[str, str], names: Collection[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Returns the variables that are not blank, those of files under their own names, and what is wrong with which."""
    given = {name: value.strip() for name, value in environment.items() if value.strip()}
    faults = {}
    for name in names:
        place = given.get(name + FROM_FILE)
        if place is None:
            continue
        if name in given:
            faults[name] = f"{name} and {name}{FROM_FILE} are both set; one of them has to go"
            continue
        try:
            given[name] = Path(place).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as fault:
            reason = fault.strerror if isinstance(fault, OSError) else "it is no text"
            faults[name] = f"{name}{FROM_FILE} cannot be read: {reason}"
    return {name: value for name, value in given.items() if value}, faults


def misspelt(environment: Mapping[str, str], names: Collection[str]) -> Iterator[str]:
    """A sentence for each variable that is no setting, but begins like one and nearly is."""
    known = {*names, *(name + FROM_FILE for name in names)}
    for name in sorted(environment.keys() - known):
        if name.startswith(OF_OTHERS):
            continue
        begins_alike = [one for one in known if one[:BEGINNING] == name[:BEGINNING]]
        for nearest in get_close_matches(name, begins_alike, 1, LIKENESS):
            yield f"{name} is not a setting; is {nearest} meant?"
