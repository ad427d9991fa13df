"""Activity in GraphQL."""

from datetime import datetime
from typing import Self

import strawberry

from models import activity as models
from models.principal import ActorKind, Transport
from models.values.ids import global_id
from models.verbs import VERBS
from schema.problems import ProblemCode
from schema.relay import Connection, Entity, PeriodInput, Shows
from schema.scalars import describe_enum, described_enum

ActivityVerb = described_enum(
    "ActivityVerb",
    "What was done or refused, mostly by the name of the mutation that does it.",
    {name: verb.meaning for name, verb in VERBS.items()},
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
    verb: str = strawberry.field(description="What was done or refused.", graphql_type=ActivityVerb)
    object: ActivityObject | None = strawberry.field(
        description="Upon what, the first of several; null where nothing was found, or nothing single was meant."
    )
    objects: list[ActivityObject] = strawberry.field(description="Upon what, where that may be several.")
    subjects: list[str] = strawberry.field(
        description="The usernames, Twitter ids and user ids of those whom it was about."
    )
    outcome: models.Outcome = strawberry.field(description="What came of it.")
    code: str | None = strawberry.field(
        description="Why it was refused, for programs.", graphql_type=ProblemCode | None
    )
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
    verb: str | None = strawberry.field(
        default=strawberry.UNSET, description="What was done or refused.", graphql_type=ActivityVerb | None
    )
    object_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="What it was done upon, by its raw `_id` or its Relay id."
    )
    outcome: models.Outcome | None = strawberry.field(default=strawberry.UNSET, description="What came of it.")
    subject: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Whom it was about: a username, a Twitter id or a user id, whole, ignoring case.",
    )
