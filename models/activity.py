"""Activity: who did what, by which way, upon what, and what came of it. No row holds what was sent, but for names."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field

from models.base import Id
from models.errors import DomainError
from models.inputs import Choice, Text
from models.pagination import KeysetPage, Period
from models.principal import ActorKind, Principal, Transport
from models.values.ids import is_object_id, split_global_id
from models.values.texts import clean
from models.verbs import VERBS, Verb


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
    verb: str
    objects: tuple[Thing, ...]
    subjects: tuple[str, ...]
    outcome: Outcome
    code: str | None = None
    message: str | None = None
    request_id: str | None = None

    @property
    def object(self) -> Thing | None:
        """What was acted upon, the first of several."""
        return self.objects[0] if self.objects else None


def _known_verb(name: str) -> str:
    if name not in VERBS:
        raise ValueError(f"must be {' or '.join(sorted(VERBS))}")
    return name


def _list_verbs(schema: dict[str, Any]) -> None:
    schema["enum"] = sorted(VERBS)


VerbName: TypeAlias = Annotated[Text, AfterValidator(_known_verb), Field(json_schema_extra=_list_verbs)]
"""The name of a verb."""


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
    verb: VerbName | None = None
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
        return caller.role is not None or deed.verb.of_anyone
    return deed.verb.when_refused and refusal.status < 500


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
        verb=deed.verb.name,
        objects=deed.objects,
        subjects=tuple(dict.fromkeys(subject for subject in subjects if subject)),
        outcome=Outcome.DONE if refusal is None else Outcome.REFUSED,
        code=None if refusal is None else refusal.code,
        message=None if refusal is None else refusal.message,
        request_id=caller.request_id or None,
    )
