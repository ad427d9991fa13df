"""How a command says what went wrong."""

import typer


def fail(message: str, code: int) -> typer.Exit:
    """What a command raises to end with this exit code; the message goes to standard error."""
    typer.echo(message, err=True)
    return typer.Exit(code)
