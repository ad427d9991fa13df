"""What was sent, as a value, where the caller is judged before it: the command, or the refusal that it has earned."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from models.errors import DomainError, Forbidden
from models.inputs import MAX_TEXT, Input, parse
from models.principal import Principal, Role
from models.values.texts import clean

NAMES = ("redeemerTwitterId", "twitterId", "username")
"""What somebody is called in what they send."""

Given = TypeVar("Given")
Sent = TypeVar("Sent", bound=Input)


class ForUser(Input, Protocol):
    """A command that is about a user, whom only they themselves and admins may name."""

    @property
    def user_id(self) -> str | None: ...


ForUserSent = TypeVar("ForUserSent", bound=ForUser)


@dataclass(frozen=True, slots=True)
class RefusedCommand:
    """What was sent is at fault, as only those are told who may do what it was meant for.

    `user_id` is for whom; `names` are what somebody is called there who need not be signed in.
    """

    refusal: DomainError
    user_id: str | None = None
    names: tuple[str, ...] = ()


def read_sent(
    read: Callable[[type[Sent], Given], Sent], shape: type[Sent], given: Given, user_id: str | None = None
) -> Sent | RefusedCommand:
    """Returns what was sent, as `read` (`parse` or `parse_query`) finds it, or the refusal that it has earned."""
    try:
        return read(shape, given)
    except DomainError as refusal:
        return RefusedCommand(refusal, user_id)


def read_for_user(shape: type[ForUserSent], raw: Mapping[str, object]) -> ForUserSent | RefusedCommand:
    """Returns a command as it was sent, or the refusal that it earns once the caller is known."""
    user_id = raw.get("userId")
    return read_sent(parse, shape, raw, clean(user_id) if isinstance(user_id, str) else None)


def read_by_name(shape: type[Sent], raw: Mapping[str, object]) -> Sent | RefusedCommand:
    """Returns a command of somebody who need not be signed in, or the refusal that it has earned with their names."""
    try:
        return parse(shape, raw)
    except DomainError as refusal:
        said = [clean(name) for field in NAMES if isinstance(name := raw.get(field), str)]
        return RefusedCommand(refusal, names=tuple(name for name in said if len(name) <= MAX_TEXT))


def accept(caller: Principal, sent: ForUserSent | RefusedCommand, role: Role) -> ForUserSent:
    """Returns the command. Raises 401, 403 where the caller may not act for its user, then 400 for what is at fault.

    For others act admins who may do what `role` may.

    A user who names nobody passes: what they sent is then at fault, not they.
    """
    caller.require_signed_in(role)
    if sent.user_id and not caller.has_role(role) and sent.user_id != caller.user_id:
        raise Forbidden()
    if isinstance(sent, RefusedCommand):
        raise sent.refusal
    return sent
