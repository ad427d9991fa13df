"""How a command shows on standard error how far it is."""

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text
from typing_extensions import override

errors = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


class RateColumn(ProgressColumn):
    """How many rows go by in a second."""

    @override
    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:,.0f} rows/s", style="progress.data.speed")


def progress_bar(*, rate: bool = False) -> Progress:
    """A bar with the share that is done and the time that is left; with `rate`, with rows a second too."""
    columns = [TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()]
    return Progress(*columns, *([RateColumn()] if rate else []), console=errors)
