"""The GraphQL fields of the audit."""

from typing import Annotated

import strawberry

from models.audit import AuditFamily
from resolvers.context import Info
from schema.audit import AuditReport, RepairCountersInput, RepairCountersPayload, RepairCountersResult


@strawberry.type
class AuditQuery:
    @strawberry.field(description="Compare every counter with its ledger and every total with what exists. For admins.")
    async def audit(
        self,
        info: Info,
        families: Annotated[
            list[AuditFamily] | None,
            strawberry.argument(description="Only the counters of these families; of all when not given or empty."),
        ] = None,
    ) -> AuditReport:
        audit = info.context.services.audit
        return AuditReport.of(await audit.audit(info.context.caller(), families or tuple(AuditFamily)))


@strawberry.type
class AuditMutation:
    @strawberry.mutation(
        description="Put right every counter that is not what its ledger makes it. For admins of the role ADMIN."
    )
    async def repair_counters(self, info: Info, input: RepairCountersInput) -> RepairCountersResult:
        families = input.families or tuple(AuditFamily)
        report = await info.context.services.audit.repair(info.context.caller(), families)
        return RepairCountersPayload(report=AuditReport.of(report))
