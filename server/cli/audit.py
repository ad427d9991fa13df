"""`tessera audit`: the counters against their ledgers, from the command line."""

from typing import TYPE_CHECKING, Annotated

import typer

from models.audit import AuditFamily, AuditReport
from models.errors import ServiceUnavailable
from models.principal import SYSTEM
from server.cli.database import run_on_services
from server.cli.output import sentences

if TYPE_CHECKING:
    from services.registry import Services


def audit(
    repair: Annotated[bool, typer.Option("--repair", help="Put right what drifted.")] = False,
    family: Annotated[list[AuditFamily] | None, typer.Option(help="Only these, as often as needed.")] = None,
) -> None:
    """Recompute every counter from its ledger and every total from what exists; exit 1 where any drifted.

    With --repair what drifted is put right while others go on, and the exit code is 0.
    """
    families = tuple(family or AuditFamily)

    async def work(services: "Services") -> AuditReport:
        return await (services.audit.repair if repair else services.audit.audit)(SYSTEM, families)

    with sentences(ServiceUnavailable):
        report = run_on_services(work)
    for name, number in report.checked.items():
        typer.echo(f"{name}: {number} counters checked")
    for drift in report.drifts:
        typer.echo(f"{drift.collection} {drift.id}: {drift.field} is {drift.stored}, its ledger tells {drift.expected}")
    if report.drift_count > len(report.drifts):
        typer.echo(f"… and {report.drift_count - len(report.drifts)} more")
    typer.echo(_verdict(report, repair=repair))
    if report.drift_count and not repair:
        raise typer.Exit(1)


def _verdict(report: AuditReport, *, repair: bool) -> str:
    if not report.drift_count:
        return "Every counter is what its ledger makes it."
    return f"{report.drift_count} counters drifted" + (" and are repaired." if repair else "; --repair mends them.")
