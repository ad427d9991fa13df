"""The GraphQL fields of admin keys."""

from functools import partial

import strawberry

from models.admin_keys import admin_key as models
from models.pagination import Window
from models.principal import Role
from models.values.ids import either_id, is_object_id
from resolvers.context import Info, command_of
from schema.admin_key import (
    AdminKey,
    AdminKeyConnection,
    CreateAdminKeyInput,
    CreateAdminKeyPayload,
    CreateAdminKeyResult,
    RevokeAdminKeyInput,
    RevokeAdminKeyPayload,
    RevokeAdminKeyResult,
)
from schema.relay import After, Before, First, Last


async def node(info: Info, raw_id: str) -> AdminKey | None:
    """An admin key by its raw id, for `node` and `nodes`: for the role admin, as `adminKeys` is."""
    caller = info.context.admin(Role.ADMIN)
    if not is_object_id(raw_id):
        return None
    return AdminKey.or_none(await info.context.services.admin_keys.find_by_id(caller, raw_id))


@strawberry.type
class AdminKeyQuery:
    @strawberry.field(
        description="All admin keys, the newest first, revoked and expired ones too. For admins of the role ADMIN."
    )
    async def admin_keys(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> AdminKeyConnection:
        caller, keys = info.context.admin(Role.ADMIN), info.context.services.admin_keys
        page = await keys.list_window(caller, Window.of(first, after, last, before))
        return AdminKeyConnection.of(page, AdminKey.of, partial(keys.count, caller))


@strawberry.type
class AdminKeyMutation:
    @strawberry.mutation(description="Make an admin key, which is shown this once. For admins of the role ADMIN.")
    async def create_admin_key(self, info: Info, input: CreateAdminKeyInput) -> CreateAdminKeyResult:
        caller = info.context.admin(Role.ADMIN)
        new = await info.context.services.admin_keys.create(caller, command_of(models.CreateAdminKey, input))
        return CreateAdminKeyPayload(admin_key=AdminKey.of(new.key), key=new.secret)

    @strawberry.mutation(
        description="Revoke an admin key: within a second it lets nobody in. For admins of the role ADMIN."
    )
    async def revoke_admin_key(self, info: Info, input: RevokeAdminKeyInput) -> RevokeAdminKeyResult:
        caller = info.context.admin(Role.ADMIN)
        command = models.RevokeAdminKey(either_id("AdminKey", "id", input.id))
        return RevokeAdminKeyPayload(
            admin_key=AdminKey.of(await info.context.services.admin_keys.revoke(caller, command))
        )
