"""Campaigns, coupons and baskets of other services, as far as usage followers go by them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from consumers.handler import Handler
from consumers.kafka.records import read_object
from models import usage_commands
from models.errors import DomainError, InvalidInput
from models.ids import require_object_id
from models.inputs import parse, text
from models.principal import SYSTEM
from models.usage import FollowerKey, KeyKind
from models.usage_commands import Command
from models.usage_inputs import MoveUsages
from services.kit.inbox import Effect
from services.registry import Services

if TYPE_CHECKING:
    from services.kit.database import Session


def usage_events(services: Services) -> dict[str, Handler]:
    """The topics that usage followers listen to."""
    usage, table = _usage_effect(services), dict[str, Handler]()
    for prefix, kind in (("campaignService-campaign", KeyKind.CAMPAIGN), ("couponService-coupon", KeyKind.COUPON)):
        table[f"{prefix}Created"] = Handler(_of_documents(kind, _created), usage)
        table[f"{prefix}Updated"] = Handler(_of_documents(kind, _updated), usage, waits=True)
        table[f"{prefix}Deleted"] = Handler(_of_documents(kind, _deleted), usage, waits=True)
    table["couponService-couponRedeemed"] = Handler(_read_redeemed, usage, waits=True)
    table["basketService-setUsage-active"] = Handler(_read_set_usage, usage)
    return table


def _usage_effect(services: Services) -> Effect[Sequence[Command]]:
    """Carries out the commands of events; an event's commands all or none."""

    async def carry_out(session: "Session", events: Sequence[Sequence[Command]]) -> list[DomainError | None]:
        answers = iter(await services.usage.carry_out(session, [command for event in events for command in event]))
        return [_all_or_none([next(answers) for _ in event]) for event in events]

    return carry_out


def _all_or_none(answers: Sequence[object]) -> DomainError | None:
    """Why an event is refused, or None; raises where a part of it would be carried out."""
    faults = [answer for answer in answers if isinstance(answer, Exception)]
    if faults and (len(faults) < len(answers) or not isinstance(faults[0], DomainError)):
        raise faults[0]
    return faults[0] if faults and isinstance(faults[0], DomainError) else None


def _of_documents(kind: KeyKind, command: Callable[[FollowerKey, Any], Command]) -> Callable[[Any], list[Command]]:
    """Reads a document or a list of them, each of a campaign or coupon, by its `_id`."""

    def read(raw: Any) -> list[Command]:
        documents = raw if isinstance(raw, list) else [raw]
        if not documents:
            raise InvalidInput.of("value", "The event holds nothing")
        return [command(_key(kind, document), document) for document in documents]

    return read


def _created(key: FollowerKey, document: Any) -> Command:
    return usage_commands.upsert_follower(SYSTEM, key, document)


def _updated(key: FollowerKey, document: Any) -> Command:
    return usage_commands.replace_limits(SYSTEM, key, document)


def _deleted(key: FollowerKey, _: Any) -> Command:
    return usage_commands.forget_follower(SYSTEM, key)


@dataclass(frozen=True, slots=True)
class _Redeemed:
    user_id: str = text("userId")


def _read_redeemed(raw: Any) -> list[Command]:
    event = read_object(raw)
    coupon = read_object(event.get("resMsg"), "resMsg")
    user_id = parse(_Redeemed, event, ignore_unknown=True).user_id
    return [usage_commands.enrol(SYSTEM, _key(KeyKind.COUPON, coupon), user_id)]


def _read_set_usage(raw: Any) -> list[Command]:
    event = read_object(raw)
    basket = read_object(event["product"], "product") if "product" in event else event
    named = {name: basket[name] for name in ("userId", "campaignIds", "couponId") if name in basket}
    return [usage_commands.add_usage(SYSTEM, named, shape=MoveUsages, cause="basketService-setUsage-active")]


def _key(kind: KeyKind, document: Any) -> FollowerKey:
    identifier = read_object(document).get("_id")
    if not isinstance(identifier, str):
        raise InvalidInput.of("_id", "_id is required" if identifier is None else "_id must be a string")
    return FollowerKey(kind, require_object_id("_id", identifier))
