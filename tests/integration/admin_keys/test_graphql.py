"""The GraphQL fields of admin keys: what is shown, once and ever, and what is refused."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from models.admin_keys.admin_key import AdminKeyNameTaken, CreateAdminKey, NewAdminKey, hash_of
from models.principal import SYSTEM, Role
from models.values.ids import global_id
from models.values.instants import iso
from services.admin_keys.repository import COLLECTION
from services.registry import Services, utc_now
from tests.integration.admin_keys.support import KEY, VIEWER, create, new_key, revoke, shown
from tests.support.api import ADMIN, Api, bearer, unique
from tests.support.eventually import eventually


async def test_a_key_is_shown_once_and_names_its_admin(api: Api) -> None:
    name = unique("key")
    made = await create(api, name=f" {name}\u200b", role="SUPPORT")
    key, entity = made["key"], made["adminKey"]
    assert entity["id"] == global_id("AdminKey", entity["databaseId"])
    assert (entity["name"], entity["role"], entity["createdBy"]) == (name, "SUPPORT", "admin")
    assert (entity["expiresAt"], entity["lastUsedAt"], entity["revokedAt"]) == (None, None, None)
    caller = {"name": name, "role": "SUPPORT", "isAdmin": True, "userId": None}
    assert (await api.data(VIEWER, headers=shown(key)))["viewer"] == caller
    by_token = await create(api, bearer("grace", "admin"), role="ADMIN")
    assert by_token["adminKey"]["createdBy"] == "grace"
    by_key = await create(api, shown(by_token["key"]))
    assert by_key["adminKey"]["createdBy"] == by_token["adminKey"]["name"]
    row = await api.services.database.collection(COLLECTION).find_one({"name": name})
    assert row is not None
    assert row["keyHash"] == hash_of(key)
    assert key not in str(row)


async def test_who_calls_has_a_name_and_a_role(api: Api) -> None:
    for headers, name, role in (
        (ADMIN, "admin", "ADMIN"),
        (bearer("grace", "admin"), "grace", "ADMIN"),
        (bearer("ada"), "ada", None),
        (bearer("ada") | ADMIN, "admin", "ADMIN"),
        (bearer("grace", "admin") | shown((await new_key(api.services))[0]), "grace", "ADMIN"),
    ):
        viewer = (await api.data(VIEWER, headers=headers))["viewer"]
        assert (viewer["name"], viewer["role"], viewer["isAdmin"]) == (name, role, role is not None)


async def test_all_keys_are_listed_page_by_page_the_newest_first(own_api: Api) -> None:
    names = [f"k{n}" for n in range(5)]
    for name in names:
        made = await create(own_api, name=name)
    await revoke(own_api, made["adminKey"]["id"])
    query = "query ($after: String) { adminKeys(first: 2, after: $after) { totalCount nodes { name revokedAt } %s } }"
    query %= "pageInfo { hasNextPage endCursor }"
    listed: list[Any] = []
    after = None
    for _ in range(3):
        page = (await own_api.data(query, {"after": after}, ADMIN))["adminKeys"]
        listed += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        assert page["totalCount"] == 5
    assert not page["pageInfo"]["hasNextPage"]
    assert [one["name"] for one in listed] == names[::-1]
    assert [one["revokedAt"] is not None for one in listed] == [True, False, False, False, False]


async def test_a_key_is_found_again_by_its_global_id_by_those_who_may(api: Api) -> None:
    entity = (await create(api))["adminKey"]
    query = f"query ($id: ID!) {{ node(id: $id) {{ ... on AdminKey {{ {KEY} }} }} }}"
    assert (await api.data(query, {"id": entity["id"]}, ADMIN))["node"] == entity
    support, _ = await new_key(api.services, Role.SUPPORT)
    for headers in (shown(support), bearer("ada"), {}):
        assert (await api.data(query, {"id": entity["id"]}, headers))["node"] is None
    assert (await api.data(query, {"id": global_id("AdminKey", "a" * 24)}, ADMIN))["node"] is None
    assert (await api.data(query, {"id": global_id("AdminKey", "x")}, ADMIN))["node"] is None


async def test_a_name_belongs_to_one_key_that_can_be_used(api: Api) -> None:
    first = await create(api, name=(name := unique("key")))
    taken = await create(api, name=f"{name} ")
    assert (taken["__typename"], taken["code"]) == ("Conflict", "ADMIN_KEY_NAME_TAKEN")
    for own in ("admin", "system", "anonymous"):
        assert (await create(api, name=own))["code"] == "ADMIN_KEY_NAME_TAKEN"
    await revoke(api, first["adminKey"]["id"])
    second = await create(api, name=name)
    assert second["adminKey"]["id"] != first["adminKey"]["id"]
    again = await revoke(api, first["adminKey"]["id"])
    assert again["adminKey"]["revokedAt"] is not None
    assert (await api.data(VIEWER, headers=shown(second["key"])))["viewer"]["name"] == name


async def test_of_many_who_want_a_name_at_once_one_gets_it(own_api: Api, other: Services) -> None:
    async def attempt(services: Services) -> NewAdminKey | Exception:
        try:
            return await services.admin_keys.create(SYSTEM, CreateAdminKey("ci", Role.VIEWER))
        except AdminKeyNameTaken as taken:
            return taken

    results = await asyncio.gather(*(attempt(services) for _ in range(20) for services in (own_api.services, other)))
    assert sum(isinstance(result, NewAdminKey) for result in results) == 1
    assert await own_api.services.database.collection(COLLECTION).count_documents({}) == 1


async def test_an_expired_key_lets_nobody_in_and_gives_up_its_name(own_api: Api, other: Services) -> None:
    soon = utc_now() + timedelta(seconds=1.5)
    made = await create(own_api, name="ci", expiresAt=iso(soon))
    assert made["adminKey"]["expiresAt"] == iso(soon)
    assert (await own_api.data(VIEWER, headers=shown(made["key"])))["viewer"]["name"] == "ci"
    await asyncio.sleep((soon - utc_now()).total_seconds() + 0.05)
    assert (await own_api.data(VIEWER, headers=shown(made["key"])))["viewer"] is None
    refused = await own_api.http.get("/admin/stats", headers=shown(made["key"]))
    assert (refused.status_code, refused.json()["message"]) == (403, "Invalid authentication credentials")
    results = await asyncio.gather(
        *(
            services.admin_keys.create(SYSTEM, CreateAdminKey("ci", Role.VIEWER))
            for services in (own_api.services, other, own_api.services)
        ),
        return_exceptions=True,
    )
    assert sorted(type(result).__name__ for result in results) == [
        "AdminKeyNameTaken",
        "AdminKeyNameTaken",
        "NewAdminKey",
    ]


@pytest.mark.parametrize(
    ("given", "paths"),
    [
        ({"name": " "}, ["name"]),
        ({"name": "n" * 65}, ["name"]),
        ({"name": "a\u0000b"}, ["name"]),
        ({"expiresAt": "2020-01-01"}, ["expiresAt"]),
        ({"name": "", "idempotencyKey": " "}, ["idempotencyKey"]),
    ],
    ids=str,
)
async def test_a_bad_input_is_refused_and_changes_nothing(
    own_api: Api, given: dict[str, Any], paths: list[str]
) -> None:
    refused = await create(own_api, **given)
    assert (refused["__typename"], refused["code"]) == ("InvalidInput", "BAD_USER_INPUT")
    assert [fault["path"] for fault in refused["fields"]] == paths
    assert await own_api.services.database.collection(COLLECTION).count_documents({}) == 0


async def test_what_is_to_be_revoked_has_to_be_there(api: Api) -> None:
    assert (await revoke(api, "a" * 24))["code"] == "ADMIN_KEY_NOT_FOUND"
    assert (await revoke(api, "x"))["code"] == "BAD_USER_INPUT"
    assert (await revoke(api, global_id("Coupon", "a" * 24)))["code"] == "BAD_USER_INPUT"


async def test_under_an_idempotency_key_a_key_is_made_once_and_shown_once(own_api: Api) -> None:
    idempotency_key = unique("key")
    first = await create(own_api, name="ci", idempotencyKey=idempotency_key)
    again = await create(own_api, name="ci", idempotencyKey=idempotency_key)
    assert again == first | {"key": None}
    assert await own_api.services.database.collection(COLLECTION).count_documents({}) == 1
    (row,) = await own_api.services.database.idempotency_keys.find().to_list(None)
    assert first["key"] not in str(row)
    assert hash_of(first["key"]) not in str(row)


async def test_idempotency_keys_of_one_admin_are_not_those_of_another(api: Api) -> None:
    headers = [shown((await new_key(api.services, Role.ADMIN))[0]) for _ in range(2)]
    given = {"maxUses": 1, "expiryDays": 1}
    for one in headers:
        made = await api.http.post("/admin/access-code", json=given, headers=one | {"idempotency-key": "k"})
        again = await api.http.post("/admin/access-code", json=given, headers=one | {"idempotency-key": "k"})
        assert made.json() == again.json()
    assert len({made.json()["data"]["accessCode"]["code"]}) == 1
    codes = [
        (await api.http.post("/admin/access-code", json=given, headers=one | {"idempotency-key": "k"})).text
        for one in headers
    ]
    assert codes[0] != codes[1]


async def test_the_last_use_is_kept_behind_the_answer_and_not_each_time(own_api: Api) -> None:
    key, key_id = await new_key(own_api.services)
    keys = own_api.services.admin_keys

    async def last_use() -> datetime | None:
        found = await keys.find_by_id(SYSTEM, key_id)
        return None if found is None else found.last_used_at

    async def is_kept() -> bool:
        return await last_use() is not None

    before = utc_now()
    await own_api.data(VIEWER, headers=shown(key))
    await eventually(is_kept, within=10)
    used = await last_use()
    assert used is not None
    assert before <= used <= utc_now()
    for _ in range(20):
        await own_api.data(VIEWER, headers=shown(key))
    await keys.live.close()
    assert await last_use() == used
