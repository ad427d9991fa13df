"""Activity in GraphQL."""

from datetime import datetime
from typing import Self

import strawberry

from models import activity as models
from models.errors import ErrorCode
from models.principal import ActorKind, Transport
from models.values.ids import global_id
from schema.relay import Connection, Entity, PeriodInput, Shows
from schema.scalars import describe_enum

describe_enum(
    models.Verb,
    "ActivityVerb",
    "What was done or refused, mostly by the name of the mutation that does it.",
    {
        models.Verb.CREATE_COUPON: "A coupon was made.",
        models.Verb.REDEEM_COUPON: "A coupon was redeemed.",
        models.Verb.DELETE_COUPON: "A coupon was deleted.",
        models.Verb.SET_COUPON_ACTIVE: "A coupon was switched on or off.",
        models.Verb.CREATE_ACCESS_CODE: "An access code was made.",
        models.Verb.CREATE_ACCESS_CODES: "Access codes were made by the thousand, those of a batch in chunks.",
        models.Verb.IMPORT_ACCESS_CODES: "Access codes were imported, in chunks, by the command line.",
        models.Verb.REDEEM_ACCESS_CODE: "An access code was redeemed.",
        models.Verb.ACTIVATE_ACCESS_CODE: "An access code was switched on.",
        models.Verb.DEACTIVATE_ACCESS_CODE: "An access code was switched off.",
        models.Verb.DELETE_ACCESS_CODE: "An access code was deleted.",
        models.Verb.ACTIVATE_ACCESS_CODE_BATCH: "The codes of a batch were switched on, in chunks.",
        models.Verb.DEACTIVATE_ACCESS_CODE_BATCH: "The codes of a batch were switched off, in chunks.",
        models.Verb.CREATE_USAGE_FOLLOWER: "A coupon or campaign was followed; an event may have changed its limits.",
        models.Verb.UPDATE_USAGE_FOLLOWER: "The limits of a follower were changed.",
        models.Verb.DELETE_USAGE_FOLLOWER: "A follower was deleted.",
        models.Verb.CHECK_USAGE: "Usage was set aside for a user.",
        models.Verb.ADD_USAGE: "Usage of a user was counted.",
        models.Verb.REMOVE_USAGE: "Usage was given back.",
        models.Verb.REDEEM_USAGE: "Usage was checked and counted in one step.",
        models.Verb.CREATE_ORDER: "A payment was accepted and became an order.",
        models.Verb.UPDATE_ORDER: "An order was changed.",
        models.Verb.REFUND_ORDER: "An order was refunded whole.",
        models.Verb.REFUND_ORDER_PRODUCT: "Units of a product of an order were refunded.",
        models.Verb.CREATE_ADMIN_KEY: "An admin was given a key.",
        models.Verb.REVOKE_ADMIN_KEY: "A key of an admin was revoked.",
        models.Verb.REPAIR_COUNTERS: "Counters were put right by their ledgers.",
    },
)
describe_enum(
    models.Outcome,
    "ActivityOutcome",
    "What came of it.",
    {
        models.Outcome.DONE: "It was done.",
        models.Outcome.REFUSED: "It was refused, for the reason that `code` and `message` tell.",
    },
)
describe_enum(
    Transport,
    "ActivityTransport",
    "By which way it was asked for.",
    {
        Transport.GRAPHQL: "By GraphQL, over HTTP or WebSocket.",
        Transport.REST: "By REST.",
        Transport.KAFKA: "By an event from Kafka.",
        Transport.CLI: "On the command line.",
    },
)
describe_enum(
    ActorKind,
    "ActorKind",
    "By what right somebody acted.",
    {
        ActorKind.KEY: "By an admin key, whose name it is.",
        ActorKind.USER: "By a token, whose user it is.",
        ActorKind.SYSTEM: "Tessera itself did it.",
        ActorKind.ANONYMOUS: "Nobody said who they were: what is open to everyone asks nobody.",
    },
)


@strawberry.type(description="Who acted.")
class Actor(Shows[models.Actor]):
    name: str = strawberry.field(description="The name of the admin key, or the id of the user.")
    kind: ActorKind = strawberry.field(description="What it is the name of.")


@strawberry.type(description="What was acted upon; it may be deleted since.")
class ActivityObject(Shows[models.Thing]):
    type: str = strawberry.field(description="Its type in this schema.")
    id: strawberry.ID = strawberry.field(description="Its Relay global id, for `node`.")
    database_id: strawberry.ID = strawberry.field(description="Its raw `_id`.")

    @classmethod
    def of(cls, thing: models.Thing, /) -> Self:
        return cls(
            type=thing.type, id=strawberry.ID(global_id(thing.type, thing.id)), database_id=strawberry.ID(thing.id)
        )


@strawberry.type(
    description=(
        "A change by an admin or an event, a refund, or an attempt to redeem, use or refund that was refused. It holds "
        "nothing of what was sent but names."
    )
)
class Activity(Entity, Shows[models.Activity]):
    at: datetime = strawberry.field(description="When it was done or refused.")
    by: Actor = strawberry.field(description="Who did it or asked for it.")
    transport: Transport = strawberry.field(description="By which way it was asked for.")
    verb: models.Verb = strawberry.field(description="What was done or refused.")
    object: ActivityObject | None = strawberry.field(
        description="Upon what, the first of several; null where nothing was found, or nothing single was meant."
    )
    objects: list[ActivityObject] = strawberry.field(description="Upon what, where that may be several.")
    subjects: list[str] = strawberry.field(
        description="The usernames, Twitter ids and user ids of those whom it was about."
    )
    outcome: models.Outcome = strawberry.field(description="What came of it.")
    code: ErrorCode | None = strawberry.field(description="Why it was refused, for programs.")
    message: str | None = strawberry.field(description="Why it was refused, as its caller was told.")
    request_id: str | None = strawberry.field(
        description="The `X-Request-ID` of its request, as in the logs; null where there was none."
    )

    @classmethod
    def of(cls, activity: models.Activity, /) -> Self:
        objects = [ActivityObject.of(thing) for thing in activity.objects]
        first = objects[0] if objects else None
        return cls.by_name(activity, by=Actor.of(activity.by), object=first, objects=objects)


@strawberry.type(description="A page of activity, the newest first.")
class ActivityConnection(Connection[Activity]):
    pass


@strawberry.input(description="Narrows a list of activity; every condition given must hold.")
class ActivityFilter(PeriodInput):
    by: str | None = strawberry.field(default=strawberry.UNSET, description="The exact name of who acted.")
    verb: models.Verb | None = strawberry.field(default=strawberry.UNSET, description="What was done or refused.")
    object_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="What it was done upon, by its raw `_id` or its Relay id."
    )
    outcome: models.Outcome | None = strawberry.field(default=strawberry.UNSET, description="What came of it.")
    subject: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Whom it was about: a username, a Twitter id or a user id, whole, ignoring case.",
    )
