"""Admin keys in GraphQL."""

from datetime import datetime
from typing import Annotated

import strawberry

from models.admin_keys import admin_key as models
from models.principal import Role
from schema.problems import Conflict, InvalidInput, NotFound
from schema.relay import Connection, Entity, IdempotentInput, Shows
from schema.scalars import describe_enum

describe_enum(
    Role,
    "AdminRole",
    "What an admin may do; each role may do what those before it may. What is for admins is for all, or says which.",
    {
        Role.VIEWER: "Read whatever an admin reads.",
        Role.SUPPORT: "Also activate, deactivate, refund and give usage back.",
        Role.ADMIN: "Do everything, admin keys included.",
    },
)


@strawberry.type(description="A key of an admin, without its secret. `ADMIN_KEY` of the settings is none of these.")
class AdminKey(Entity, Shows[models.AdminKey]):
    name: str = strawberry.field(description="Whose it is: the name under which is told what was done by it.")
    role: Role = strawberry.field(description="What it may do.")
    created_at: datetime = strawberry.field(description="When it was made.")
    created_by: str = strawberry.field(description="Who made it.")
    expires_at: datetime | None = strawberry.field(description="From when on it lets nobody in; null for never.")
    last_used_at: datetime | None = strawberry.field(description="When it was last used, to about a minute.")
    revoked_at: datetime | None = strawberry.field(description="When it was revoked; null while it is not.")


@strawberry.type(description="A page of admin keys.")
class AdminKeyConnection(Connection[AdminKey]):
    pass


@strawberry.input(description="What a new admin key needs.")
class CreateAdminKeyInput(IdempotentInput):
    name: str = strawberry.field(
        description="Whose it is, up to 64 characters; no other key that can be used may have the name."
    )
    role: Role = strawberry.field(description="What it may do.")
    expires_at: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="From when on it lets nobody in, in the future; never when not given."
    )


@strawberry.input(description="Which admin key to revoke.")
class RevokeAdminKeyInput(IdempotentInput):
    id: strawberry.ID = strawberry.field(description="Its Relay id or its raw `_id`.")


@strawberry.type(description="An admin key was made.")
class CreateAdminKeyPayload:
    admin_key: AdminKey = strawberry.field(description="The new key.")
    key: str | None = strawberry.field(
        description=(
            "What is sent as `x-admin-key`, which is stored nowhere and shown this once: null where the same "
            "`idempotencyKey` came before."
        )
    )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.admin_key!r})"


@strawberry.type(description="An admin key was revoked.")
class RevokeAdminKeyPayload:
    admin_key: AdminKey = strawberry.field(description="The key, which lets nobody in any more.")


CreateAdminKeyResult = Annotated[
    CreateAdminKeyPayload | InvalidInput | Conflict,
    strawberry.union("CreateAdminKeyResult", description="The new key, or why there is none."),
]
RevokeAdminKeyResult = Annotated[
    RevokeAdminKeyPayload | InvalidInput | NotFound | Conflict,
    strawberry.union("RevokeAdminKeyResult", description="The revoked key, or why it was not revoked."),
]
