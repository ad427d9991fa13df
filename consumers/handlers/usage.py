"""Campaigns, coupons and baskets of other services, as far as usage followers go by them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from consumers.handler import Handler
from consumers.kafka.records import read_object
from models.errors import DomainError, InvalidInput
from models.inputs import Input, Text, parse
from models.principal import CONSUMERS
from models.usage.commands import (
    Command,
    DeleteUsageFollower,
    EnrolUser,
    LimitFields,
    MoveUsages,
    UpdateUsageFollower,
    UpsertUsageFollower,
)
from models.usage.follower import FollowerKey, KeyKind, UsageFollowerNotFound
from models.values.ids import require_object_id
from services.kit.messages.inbox import Effect
from services.registry import Services

if TYPE_CHECKING:
    from services.kit.database import Session


def usage_events(services: Services) -> dict[str, Handler]:
    """The topics that usage followers listen to."""
    usage, table = _usage_effect(services), dict[str, Handler]()
    for prefix, kind in (("campaignService-campaign", KeyKind.CAMPAIGN), ("couponService-coupon", KeyKind.COUPON)):
        table[f"{prefix}Created"] = Handler(_of_document(kind, _created), usage, lists=True)
        table[f"{prefix}Updated"] = Handler(_of_document(kind, _updated), usage, waits=True, lists=True)
        table[f"{prefix}Deleted"] = Handler(_of_document(kind, _deleted), usage, lists=True)
    table["couponService-couponRedeemed"] = Handler(_read_redeemed, usage, waits=True)
    table["basketService-setUsage-active"] = Handler(_read_set_usage, usage)
    return table


def _usage_effect(services: Services) -> Effect[Command]:
    async def carry_out(session: "Session", events: Sequence[Command]) -> list[DomainError | None]:
        answers = await services.usage.carry_out(session, events)
        return [_refusal(command, answer) for command, answer in zip(events, answers, strict=True)]

    return carry_out


def _refusal(command: Command, answer: object) -> DomainError | None:
    """Why a command is refused, or None where it is done: what is not there is deleted already."""
    if isinstance(command, DeleteUsageFollower) and isinstance(answer, UsageFollowerNotFound):
        return None
    if isinstance(answer, Exception) and not isinstance(answer, DomainError):
        raise answer
    return answer if isinstance(answer, DomainError) else None


def _of_document(
    kind: KeyKind, command: Callable[[FollowerKey, Mapping[str, object]], Command]
) -> Callable[[object], Command]:
    """Reads the document of a campaign or coupon, known by its `_id`."""

    def read(raw: object) -> Command:
        document = read_object(raw)
        return command(_key(kind, document), document)

    return read


def _created(key: FollowerKey, document: Mapping[str, object]) -> Command:
    return UpsertUsageFollower(key, parse(LimitFields, document, ignore_unknown=True))


def _updated(key: FollowerKey, document: Mapping[str, object]) -> Command:
    """A limit that the document has not is no limit any more."""
    return UpdateUsageFollower(key, parse(LimitFields, document, ignore_unknown=True))


def _deleted(key: FollowerKey, _: Mapping[str, object]) -> Command:
    return DeleteUsageFollower(key)


@dataclass(frozen=True, slots=True)
class _Redeemed(Input):
    user_id: Text


def _read_redeemed(raw: object) -> Command:
    event = read_object(raw)
    coupon = read_object(event.get("resMsg"), "resMsg")
    user_id = parse(_Redeemed, event, ignore_unknown=True).user_id
    return EnrolUser(_key(KeyKind.COUPON, coupon), user_id)


def _read_set_usage(raw: object) -> Command:
    event = read_object(raw)
    basket = read_object(event["product"], "product") if "product" in event else event
    named = {name: basket[name] for name in ("userId", "campaignIds", "couponId") if name in basket}
    return parse(MoveUsages, named).commit(CONSUMERS.name, cause="basketService-setUsage-active")


def _key(kind: KeyKind, document: Mapping[str, object]) -> FollowerKey:
    identifier = document.get("_id")
    if not isinstance(identifier, str):
        raise InvalidInput.of("_id", "_id is required" if identifier is None else "_id must be a string")
    return FollowerKey(kind, require_object_id("_id", identifier))
