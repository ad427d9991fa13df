"""What every kind of code shares."""


def normalize_code(code: str) -> str:
    """The form a code is stored and looked up in: no outer blanks, upper case."""
    return code.strip().upper()
