"""Activity: who did what, by which way, upon what, and what came of it. No row holds what was sent, but for names."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BeforeValidator

from models.base import Id
from models.errors import DomainError, ErrorCode
from models.inputs import Choice, Text
from models.pagination import KeysetPage, Period
from models.principal import ActorKind, Principal, Transport
from models.values.ids import is_object_id, split_global_id
from models.values.texts import clean


class Verb(StrEnum):
    """What one can do: by the names of the mutations, and what only events and the command line do."""

    CREATE_COUPON = "CREATE_COUPON"
    REDEEM_COUPON = "REDEEM_COUPON"
    DELETE_COUPON = "DELETE_COUPON"
    SET_COUPON_ACTIVE = "SET_COUPON_ACTIVE"
    CREATE_ACCESS_CODE = "CREATE_ACCESS_CODE"
    CREATE_ACCESS_CODES = "CREATE_ACCESS_CODES"
    IMPORT_ACCESS_CODES = "IMPORT_ACCESS_CODES"
    REDEEM_ACCESS_CODE = "REDEEM_ACCESS_CODE"
    ACTIVATE_ACCESS_CODE = "ACTIVATE_ACCESS_CODE"
    DEACTIVATE_ACCESS_CODE = "DEACTIVATE_ACCESS_CODE"
    DELETE_ACCESS_CODE = "DELETE_ACCESS_CODE"
    ACTIVATE_ACCESS_CODE_BATCH = "ACTIVATE_ACCESS_CODE_BATCH"
    DEACTIVATE_ACCESS_CODE_BATCH = "DEACTIVATE_ACCESS_CODE_BATCH"
    CREATE_USAGE_FOLLOWER = "CREATE_USAGE_FOLLOWER"
    UPDATE_USAGE_FOLLOWER = "UPDATE_USAGE_FOLLOWER"
    DELETE_USAGE_FOLLOWER = "DELETE_USAGE_FOLLOWER"
    CHECK_USAGE = "CHECK_USAGE"
    ADD_USAGE = "ADD_USAGE"
    REMOVE_USAGE = "REMOVE_USAGE"
    REDEEM_USAGE = "REDEEM_USAGE"
    CREATE_ORDER = "CREATE_ORDER"
    UPDATE_ORDER = "UPDATE_ORDER"
    REFUND_ORDER = "REFUND_ORDER"
    REFUND_ORDER_PRODUCT = "REFUND_ORDER_PRODUCT"
    REPAIR_COUNTERS = "REPAIR_COUNTERS"
    CREATE_ADMIN_KEY = "CREATE_ADMIN_KEY"
    REVOKE_ADMIN_KEY = "REVOKE_ADMIN_KEY"


REFUNDS = frozenset({Verb.REFUND_ORDER, Verb.REFUND_ORDER_PRODUCT})
"""What has a row whoever did it; of everything else only what admins did."""
TOLD_WHEN_REFUSED = REFUNDS | {
    Verb.REDEEM_COUPON,
    Verb.REDEEM_ACCESS_CODE,
    Verb.CHECK_USAGE,
    Verb.ADD_USAGE,
    Verb.REMOVE_USAGE,
    Verb.REDEEM_USAGE,
}


class Outcome(StrEnum):
    DONE = "DONE"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acted; `kind` is what the name is the name of."""

    name: str
    kind: ActorKind


@dataclass(frozen=True, slots=True)
class Thing:
    """What was acted upon: its type as GraphQL names it, and its raw `_id`."""

    type: str
    id: str


@dataclass(frozen=True, slots=True)
class Deed:
    """What a command does: `subjects` are the usernames, Twitter ids and user ids of those whom it is about."""

    verb: Verb
    objects: tuple[Thing, ...] = ()
    subjects: tuple[str | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Activity:
    """One change, or one attempt that was refused for the reason of `code` and `message`.

    `subjects` are as in `Deed`; a mere user who acts is among them. `request_id` is that of the access log.
    """

    id: Id
    at: datetime
    by: Actor
    transport: Transport
    verb: Verb
    objects: tuple[Thing, ...]
    subjects: tuple[str, ...]
    outcome: Outcome
    code: ErrorCode | None = None
    message: str | None = None
    request_id: str | None = None

    @property
    def object(self) -> Thing | None:
        """What was acted upon, the first of several."""
        return self.objects[0] if self.objects else None


def _unwrapped(raw: object) -> object:
    wrapped = split_global_id(clean(raw)) if isinstance(raw, str) else None
    return raw if wrapped is None else wrapped[1]


AnyId: TypeAlias = Annotated[
    Text, BeforeValidator(_unwrapped), AfterValidator(lambda raw: raw.lower() if is_object_id(raw) else raw)
]
"""The id of an object of whatever type: its Relay id, or the raw one."""


@dataclass(frozen=True)
class ActivityFilter(Period):
    """What a list of activity may be narrowed by (no slots: it is mixed into others).

    `by` is the exact name of who acted; `subject` a username, a Twitter id or a user id of whom it was about, whole and
    ignoring case.
    """

    by: Text | None = None
    verb: Choice[Verb] | None = None
    object_id: AnyId | None = None
    outcome: Choice[Outcome] | None = None
    subject: Text | None = None


@dataclass(frozen=True, slots=True)
class ListActivity(KeysetPage, ActivityFilter):
    """What `GET /admin/activity` takes."""


def is_told(deed: Deed, caller: Principal, refusal: DomainError | None) -> bool:
    """Whether there is a row of this: of what admins do and of every refund, and of refused redemptions and uses.

    A fault of the server is no refusal.
    """
    if refusal is None:
        return caller.role is not None or deed.verb in REFUNDS
    return deed.verb in TOLD_WHEN_REFUSED and refusal.status < 500


def activity_of(
    deed: Deed, caller: Principal, refusal: DomainError | None, *, identifier: str, at: datetime
) -> Activity:
    """The row of a deed that was done, or refused for this reason."""
    subjects = (*deed.subjects, caller.user_id if caller.role is None else None)
    return Activity(
        id=identifier,
        at=at,
        by=Actor(caller.name, caller.kind),
        transport=caller.transport,
        verb=deed.verb,
        objects=deed.objects,
        subjects=tuple(dict.fromkeys(subject for subject in subjects if subject)),
        outcome=Outcome.DONE if refusal is None else Outcome.REFUSED,
        code=None if refusal is None else refusal.code,
        message=None if refusal is None else refusal.message,
        request_id=caller.request_id or None,
    )
