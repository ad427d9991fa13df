"""Audits: what the counters say against what the ledgers tell."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from models.stored import stored
from models.verbs import Verb

MOST_SHOWN = 1_000
REPAIR_COUNTERS = Verb("REPAIR_COUNTERS", "Counters were put right by their ledgers.")


@stored("auditFamily")
class AuditFamily(StrEnum):
    COUPONS = "coupons"
    ACCESS_CODES = "accessCodes"
    USAGE_FOLLOWERS = "usageFollowers"
    ORDERS = "orders"
    SERIES = "series"


@stored("discrepancy")
@dataclass(frozen=True, slots=True)
class Drift:
    """A counter that is not what its ledger makes it. `id` is that of its document, or the name of a total."""

    family: AuditFamily
    collection: str
    id: str
    field: str
    stored: int
    expected: int


@stored("auditReport")
@dataclass(frozen=True, slots=True)
class AuditReport:
    """How many counters of each family were checked, how many of all drifted, and the first thousand of those."""

    checked: Mapping[AuditFamily, int]
    drifts: tuple[Drift, ...]
    drift_count: int
