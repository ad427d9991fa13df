"""Admin keys as the tests make and revoke them."""

from typing import Any

from models.admin_keys.admin_key import CreateAdminKey, RevokeAdminKey
from models.principal import SYSTEM, Role
from services.registry import Services
from tests.support.api import ADMIN, Api, unique

KEY = "id databaseId name role createdAt createdBy expiresAt lastUsedAt revokedAt"
PROBLEM = "... on Problem { __typename code message } ... on InvalidInput { fields { path message } }"
CREATE = f"""mutation ($input: CreateAdminKeyInput!) {{ result: createAdminKey(input: $input) {{
    ... on CreateAdminKeyPayload {{ key adminKey {{ {KEY} }} }} {PROBLEM} }} }}"""
REVOKE = f"""mutation ($input: RevokeAdminKeyInput!) {{ result: revokeAdminKey(input: $input) {{
    ... on RevokeAdminKeyPayload {{ adminKey {{ {KEY} }} }} {PROBLEM} }} }}"""
VIEWER = "{ viewer { name role isAdmin userId } }"


async def create(api: Api, headers: dict[str, str] = ADMIN, **given: Any) -> Any:
    """The result of `createAdminKey`."""
    return (await api.data(CREATE, {"input": {"name": unique("key"), "role": "VIEWER"} | given}, headers))["result"]


async def revoke(api: Api, identifier: str, headers: dict[str, str] = ADMIN, **given: Any) -> Any:
    """The result of `revokeAdminKey`."""
    return (await api.data(REVOKE, {"input": {"id": identifier} | given}, headers))["result"]


async def new_key(services: Services, role: Role = Role.VIEWER, name: str | None = None) -> tuple[str, str]:
    """A new key and its raw id."""
    new = await services.admin_keys.create(SYSTEM, CreateAdminKey(name or unique("key"), role))
    assert new.secret is not None
    return new.secret, new.key.id


async def end(services: Services, key_id: str) -> None:
    await services.admin_keys.revoke(SYSTEM, RevokeAdminKey(key_id))


def shown(key: str) -> dict[str, str]:
    """The headers of whoever has a key."""
    return {"x-admin-key": key}
