"""What is said of a fault in the log and in a reason."""


def reason_of(fault: BaseException) -> str:
    """Its message, or the name of its class where it has none."""
    return str(fault) or type(fault).__name__
