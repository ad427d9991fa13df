"""The audit in GraphQL."""

from typing import Annotated, Self

import strawberry

from models import audit as models
from schema.problems import Conflict, InvalidInput
from schema.relay import IdempotentInput, Shows
from schema.scalars import BigInt, describe_enum

describe_enum(
    models.AuditFamily,
    "AuditFamily",
    "Whose counters are audited.",
    {
        models.AuditFamily.COUPONS: "Points and uses of coupons against their redemptions, and the totals of coupons.",
        models.AuditFamily.ACCESS_CODES: "Uses of access codes against who used them, and the totals of access codes.",
        models.AuditFamily.USAGE_FOLLOWERS: "Counts of usage followers and of their users against the ledger's moves.",
        models.AuditFamily.ORDERS: "Their number, and in cents what each refunded against the ledger of refunds.",
        models.AuditFamily.SERIES: "The totals of every hour against the rows that they count; amounts are in cents.",
    },
)


@strawberry.type(description="A counter that is not what its ledger makes it.")
class CounterDrift(Shows[models.Drift]):
    family: models.AuditFamily = strawberry.field(description="Whose counter it is.")
    collection: str = strawberry.field(description="The collection of its document.")
    database_id: strawberry.ID = strawberry.field(description="The `_id` of its document, or the name of a total.")
    field: str = strawberry.field(description="The counter.")
    stored: BigInt = strawberry.field(description="What it says.")
    expected: BigInt = strawberry.field(description="What the ledger tells.")

    @classmethod
    def of(cls, drift: models.Drift, /) -> Self:
        return cls.by_name(drift, database_id=drift.id)


@strawberry.type(description="How many counters of a family were checked.")
class AuditedFamily:
    family: models.AuditFamily = strawberry.field(description="The family.")
    checked: BigInt = strawberry.field(description="How many counters were checked.")


@strawberry.type(description="What an audit found.")
class AuditReport(Shows[models.AuditReport]):
    families: list[AuditedFamily] = strawberry.field(description="What was checked.")
    drift_count: int = strawberry.field(description="How many counters drifted.")
    drifts: list[CounterDrift] = strawberry.field(description="The counters that drifted, at most the first thousand.")

    @classmethod
    def of(cls, report: models.AuditReport, /) -> Self:
        families = [AuditedFamily(family=family, checked=BigInt(number)) for family, number in report.checked.items()]
        return cls.by_name(report, families=families, drifts=[CounterDrift.of(drift) for drift in report.drifts])


@strawberry.input(description="Which counters to repair.")
class RepairCountersInput(IdempotentInput):
    families: list[models.AuditFamily] | None = strawberry.field(
        default=strawberry.UNSET, description="Those of these families; of all where none is given."
    )


@strawberry.type(description="The counters are what their ledgers make them.")
class RepairCountersPayload:
    report: AuditReport = strawberry.field(description="What had drifted and is put right.")


RepairCountersResult = Annotated[
    RepairCountersPayload | InvalidInput | Conflict,
    strawberry.union("RepairCountersResult", description="What was repaired, or why nothing was."),
]
