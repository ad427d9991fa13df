"""Batches of access codes: made alike by GraphQL and the command line, found, counted, switched as a whole."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from models.access_codes.access_code import DeleteAccessCode, RedeemAccessCode
from models.access_codes.batches import (
    ActivateAccessCodeBatch,
    BatchSwitch,
    DeactivateAccessCodeBatch,
    GenerateAccessCodes,
    ImportAccessCode,
)
from models.errors import RuleViolation
from models.principal import SYSTEM
from models.values.ids import global_id
from services.access_codes.totals import AccessCodeCounts
from services.kit.rate_limit import RateLimitPermit
from services.migrations import m0009_access_code_batches
from services.migrations.options import Options
from services.migrations.runner import migrate
from services.registry import utc_now
from tests.integration.access_codes.support import check_access_code_invariants, make_code, stored_codes
from tests.integration.access_codes.test_codes_cli import run
from tests.integration.access_codes.test_graphql import change
from tests.support.api import ADMIN, Api, bearer, unique

BATCH = "name count description maxUses expiryDays expiresAt createdAt createdBy"
COUNTS = "counts { codes uses usable inactive full expired }"
FIND = f"query ($name: String!) {{ accessCodeBatch(name: $name) {{ id {BATCH} {COUNTS} }} }}"
SWITCHED = f"accessCodeBatch {{ name {COUNTS} }} changed"


async def generate(api: Api, batch: str, count: int, max_uses: int = 1) -> None:
    command = GenerateAccessCodes(max_uses=max_uses, expiry_days=7, batch=batch, count=count)
    async for _ in api.services.access_code_batches.generate(SYSTEM, command):
        pass


async def find(api: Api, name: str) -> Any:
    return (await api.data(FIND, {"name": name}, ADMIN))["accessCodeBatch"]


async def counts(api: Api, name: str) -> dict[str, int]:
    found: dict[str, Any] = (await find(api, name))["counts"]
    return {kind: int(number) for kind, number in found.items() if int(number)}


async def codes_of(api: Api, batch: str) -> list[str]:
    return [code.code for code in await stored_codes(api.services, batch=batch)]


async def redeem(api: Api, code: str) -> None:
    await api.services.access_codes.redeem(RateLimitPermit(SYSTEM), RedeemAccessCode(code, unique("n")))


async def assert_no_drift(api: Api) -> None:
    assert (await api.services.audit.audit(SYSTEM)).drifts == ()


async def test_a_batch_is_the_same_whether_graphql_or_the_command_line_made_it(own_api: Api) -> None:
    kind = {"count": 3, "maxUses": 2, "expiryDays": 7, "description": "Spring"}
    payload = f"accessCodes {{ code batch {{ name }} }} accessCodeBatch {{ id {BATCH} }}"
    made = await change(own_api, "createAccessCodes", kind | {"batch": " by graphql "}, payload)
    assert {code["batch"]["name"] for code in made["accessCodes"]} == {"by graphql"}
    options = ("--count", "3", "--max-uses", "2", "--expiry-days", "7", "--description", "Spring")
    assert run(own_api.settings.mongo_uri, "generate", "--batch", "by command", *options)[0] == 0
    first, second = [await find(own_api, name) for name in ("by graphql", "by command")]
    assert {name: first[name] for name in made["accessCodeBatch"]} == made["accessCodeBatch"]
    assert first["id"] == global_id("AccessCodeBatch", "by graphql")
    assert (first["createdBy"], second["createdBy"]) == ("admin", "system")
    own = ("id", "name", "createdBy", "createdAt", "expiresAt")
    assert {k: v for k, v in first.items() if k not in own} == {k: v for k, v in second.items() if k not in own}
    assert await counts(own_api, "by command") == {"codes": 3, "usable": 3}
    # Either completes the other.
    assert run(own_api.settings.mongo_uri, "generate", "--batch", "by graphql", *options[2:], "--count", "5")[0] == 0
    assert await counts(own_api, "by graphql") == {"codes": 5, "usable": 5}
    assert len({code.expires_at for code in await stored_codes(own_api.services, batch="by graphql")}) == 1
    check_access_code_invariants(own_api.settings.mongo_uri)


async def test_a_name_is_taken_once_whoever_races_for_it(own_api: Api) -> None:
    given = {"count": 2, "maxUses": 1, "expiryDays": 1, "batch": "b"}
    made = await asyncio.gather(
        *(change(own_api, "createAccessCodes", given, "accessCodes { code }") for _ in range(4))
    )
    assert sorted(one["__typename"] for one in made) == ["Conflict"] * 3 + ["CreateAccessCodesPayload"]
    refused = next(one for one in made if one["__typename"] == "Conflict")
    assert refused["code"] == "ACCESS_CODE_BATCH_ALREADY_EXISTS"
    assert len(await codes_of(own_api, "b")) == 2
    await assert_no_drift(own_api)


async def test_a_batch_is_found_by_name_by_id_and_as_a_node(own_api: Api) -> None:
    await generate(own_api, "Spring: 2026", 25)
    await make_code(own_api)
    identifier = global_id("AccessCodeBatch", "Spring: 2026")
    query = """query ($id: ID!, $name: String!, $raw: ID!, $after: String) {
        node(id: $id) { ... on AccessCodeBatch { name codes(first: 10, after: $after) {
            totalCount nodes { code } pageInfo { endCursor hasNextPage } } } }
        byId: accessCodeBatch(id: $id) { name } byRaw: accessCodeBatch(id: $raw) { name }
        byName: accessCodeBatch(name: $name) { name } none: accessCodeBatch(name: "spring: 2026") { name }
        list: accessCodes(filter: { batch: $name }) { totalCount }
        nothing: accessCodes(filter: { batch: $name, active: false }) { totalCount nodes { code } }
    }"""
    variables = {"id": identifier, "name": "Spring: 2026", "raw": "Spring: 2026"}
    seen: list[str] = []
    after = None
    while True:
        found = await own_api.data(query, variables | {"after": after}, ADMIN)
        page = found["node"]["codes"]
        seen += [node["code"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == (await codes_of(own_api, "Spring: 2026"))[::-1]
    assert page["totalCount"] == found["list"]["totalCount"] == 25
    assert found["byId"] == found["byRaw"] == found["byName"] == {"name": "Spring: 2026"}
    assert (found["none"], found["nothing"]) == (None, {"totalCount": 0, "nodes": []})


@pytest.mark.parametrize("arguments", ["", '(id: "a", name: "b")', '(name: " ")', '(id: "")'])
async def test_a_batch_is_named_in_one_way(api: Api, arguments: str) -> None:
    answer = await api.graphql(f"{{ accessCodeBatch{arguments} {{ name }} }}", headers=ADMIN)
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_batches_are_listed_and_narrowed(own_api: Api) -> None:
    for name in ("Spring", "Summer", "late SPRING", "x"):
        await generate(own_api, name, 1)
    moment = (await find(own_api, "Summer"))["createdAt"]
    query = """query ($filter: AccessCodeBatchFilter, $first: Int, $after: String) {
        accessCodeBatches(filter: $filter, first: $first, after: $after) {
            totalCount nodes { name } pageInfo { endCursor } } }"""

    async def listed(after: str | None = None, first: int = 20, **wanted: Any) -> tuple[list[str], Any]:
        variables = {"filter": wanted, "first": first, "after": after}
        page = (await own_api.data(query, variables, ADMIN))["accessCodeBatches"]
        names = [node["name"] for node in page["nodes"]]
        assert after or first < 20 or page["totalCount"] == len(names)
        return names, page["pageInfo"]["endCursor"]

    assert (await listed())[0] == ["x", "late SPRING", "Summer", "Spring"]
    names, cursor = await listed(first=3)
    assert (names, (await listed(cursor))[0]) == (["x", "late SPRING", "Summer"], ["Spring"])
    assert (await listed(name="spring"))[0] == ["late SPRING", "Spring"]
    assert (await listed(name="X"))[0] == ["x"]
    assert (await listed(createdBy="system", **{"from": moment}))[0] == ["x", "late SPRING", "Summer"]
    assert (await listed(to=moment))[0] == ["Spring"]
    assert (await listed(createdBy="ann"))[0] == []


async def test_counts_follow_what_happens_to_the_codes(own_api: Api) -> None:
    await generate(own_api, "b", 6)
    await generate(own_api, "other", 2)
    first, second, third, *_ = await codes_of(own_api, "b")
    await redeem(own_api, first)
    await change(own_api, "deactivateAccessCode", {"code": second})
    await own_api.services.access_codes.delete(SYSTEM, DeleteAccessCode(third))
    assert await counts(own_api, "b") == {"codes": 5, "uses": 1, "usable": 3, "inactive": 1, "full": 1}
    past = utc_now() - timedelta(milliseconds=1)
    await own_api.services.access_code_batches.import_rows(
        SYSTEM, [(2, ImportAccessCode("GONE00", 1, past, batch="b"))]
    )
    assert await counts(own_api, "b") == {"codes": 6, "uses": 1, "usable": 3, "inactive": 1, "full": 1, "expired": 1}
    assert await counts(own_api, "other") == {"codes": 2, "usable": 2}
    await assert_no_drift(own_api)


async def test_a_batch_is_switched_as_a_whole_and_says_what_stays_off(own_api: Api) -> None:
    await generate(own_api, "b", 2_100)
    await generate(own_api, "other", 1)
    full, *_ = await codes_of(own_api, "b")
    await redeem(own_api, full)
    past = utc_now() - timedelta(days=1)
    await own_api.services.access_code_batches.import_rows(
        SYSTEM, [(2, ImportAccessCode("GONE00", 1, past, batch="b"))]
    )
    for changed in (2_101, 0):
        done = await change(own_api, "deactivateAccessCodeBatch", {"id": "b"}, SWITCHED)
        assert (done["changed"], done["accessCodeBatch"]["counts"]["inactive"]) == (changed, 2_101)
    identifier = global_id("AccessCodeBatch", "b")
    for changed in (2_099, 0):
        done = await change(own_api, "activateAccessCodeBatch", {"id": identifier}, f"{SWITCHED} full expired")
        assert (done["changed"], done["full"], done["expired"]) == (changed, 1, 1)
    assert await counts(own_api, "b") == {
        "codes": 2101,
        "uses": 1,
        "usable": 2099,
        "inactive": 2,
        "full": 1,
        "expired": 1,
    }
    assert await counts(own_api, "other") == {"codes": 1, "usable": 1}
    await assert_no_drift(own_api)


async def test_a_switch_that_was_stopped_is_finished_by_another(own_api: Api) -> None:
    await generate(own_api, "b", 2_500)
    async for step in own_api.services.access_code_batches.switch(SYSTEM, DeactivateAccessCodeBatch("b")):
        assert step.changed == 1_000
        break
    assert (await counts(own_api, "b"))["inactive"] == 1_000
    steps = [step async for step in own_api.services.access_code_batches.switch(SYSTEM, DeactivateAccessCodeBatch("b"))]
    assert [step.changed for step in steps] == [1_000, 1_500]
    assert await counts(own_api, "b") == {"codes": 2_500, "inactive": 2_500}
    await assert_no_drift(own_api)


async def test_the_command_line_switches_a_batch(own_api: Api) -> None:
    await generate(own_api, "b", 1_200)
    uri = own_api.settings.mongo_uri
    await redeem(own_api, (await codes_of(own_api, "b"))[0])
    assert run(uri, "deactivate", "b")[:2] == (0, "Deactivated 1200 codes.\n")
    assert run(uri, "activate", "b")[:2] == (0, "Activated 1199 codes; 1 are full and 0 have expired.\n")
    code, _, errors = run(uri, "activate", "c")
    assert (code, errors.splitlines()[-1]) == (1, "Access code batch not found")


async def test_under_one_key_a_batch_is_switched_once(own_api: Api) -> None:
    await generate(own_api, "b", 1_100)
    given = {"id": "b", "idempotencyKey": "k"}
    first = await change(own_api, "deactivateAccessCodeBatch", given, "changed")
    await change(own_api, "activateAccessCodeBatch", {"id": "b"}, "changed")
    assert await change(own_api, "deactivateAccessCodeBatch", given, "changed") == first
    assert (first["changed"], await counts(own_api, "b")) == (1_100, {"codes": 1_100, "usable": 1_100})


async def test_an_unknown_batch_is_not_switched(api: Api) -> None:
    for name in ("activateAccessCodeBatch", "deactivateAccessCodeBatch"):
        refused = await change(api, name, {"id": "nothing"}, "changed")
        assert (refused["__typename"], refused["code"]) == ("NotFound", "ACCESS_CODE_BATCH_NOT_FOUND")


async def test_users_race_with_a_batch_that_is_switched(own_api: Api) -> None:
    """Whatever comes first, nobody uses a code after its batch was switched off, and every count is right."""
    await generate(own_api, "b", 1_500, max_uses=2)
    codes = await codes_of(own_api, "b")

    async def use(code: str) -> None:
        try:
            await redeem(own_api, code)
        except RuleViolation:
            pass

    async def switch(command: ActivateAccessCodeBatch | DeactivateAccessCodeBatch) -> BatchSwitch:
        return [step async for step in own_api.services.access_code_batches.switch(SYSTEM, command)][-1]

    uses = (use(code) for code in codes[::5] * 3)
    switches = asyncio.gather(switch(DeactivateAccessCodeBatch("b")), switch(ActivateAccessCodeBatch("b")))
    await asyncio.gather(switches, *uses)
    assert (await switch(DeactivateAccessCodeBatch("b"))).changed <= 1_500
    assert (await counts(own_api, "b"))["inactive"] == 1_500
    with pytest.raises(RuleViolation):
        await redeem(own_api, codes[1])
    await assert_no_drift(own_api)
    check_access_code_invariants(own_api.settings.mongo_uri)


ASKED = {
    "query": "{ accessCodeBatches { totalCount } }",
    "find": '{ accessCodeBatch(name: "b") { name } }',
    "activate": 'mutation { activateAccessCodeBatch(input: {id: "b"}) { __typename } }',
    "deactivate": 'mutation { deactivateAccessCodeBatch(input: {id: "b"}) { __typename } }',
}


@pytest.mark.parametrize("document", ASKED.values(), ids=ASKED)
async def test_batches_are_for_admins(api: Api, document: str) -> None:
    for headers, code in (({}, "UNAUTHENTICATED"), (bearer("ann"), "FORBIDDEN")):
        answer = await api.graphql(document, headers=headers)
        assert answer["errors"][0]["extensions"]["code"] == code


async def test_imported_codes_are_a_batch_that_keeps_its_names(own_api: Api, tmp_path: Path) -> None:
    await generate(own_api, "b", 3)
    await generate(own_api, "c", 1)
    file, uri = tmp_path / "codes.csv", own_api.settings.mongo_uri
    assert run(uri, "export", file)[0] == 0
    for code in [*await codes_of(own_api, "b"), *await codes_of(own_api, "c")]:
        await own_api.services.access_codes.delete(SYSTEM, DeleteAccessCode(code))
    await own_api.services.database.access_code_batches.delete_many({})
    assert run(uri, "import", file)[0] == 0
    found = await find(own_api, "b")
    assert (found["count"], found["createdBy"], found["maxUses"], found["expiresAt"]) == (3, "system", None, None)
    assert await counts(own_api, "b") == {"codes": 3, "usable": 3}
    assert await counts(own_api, "c") == {"codes": 1, "usable": 1}
    assert run(uri, "generate", "--batch", "b", "--count", "9")[0] == 1
    await assert_no_drift(own_api)


async def test_batches_of_the_first_release_are_brought_along(own_api: Api) -> None:
    """It named codes and batches, and counted by neither; its processes go on while ours start."""
    await generate(own_api, "Spring", 3)
    database = own_api.services.database
    lacking = {"asked": "", "createdBy": "", "nameKey": "", "nameRuns": ""}
    await database.access_code_batches.update_many({}, {"$unset": lacking})
    await database.counters.delete_many({"family": {"$regex": "^accessCodes/"}})
    await database.counters.update_many({}, {"$unset": {"codesByBatch": "", "usagesByBatch": ""}})
    await database.access_codes.create_index([("batch", 1), ("_id", 1)], name="batch")
    await migrate(database, thorough=False)
    assert "batch" not in await database.access_codes.index_information()
    assert await counts(own_api, "Spring") == {"codes": 3, "usable": 3}
    found = await own_api.data('{ accessCodeBatches(filter: {name: "spr"}) { nodes { count createdBy } } }', {}, ADMIN)
    assert found["accessCodeBatches"]["nodes"] == [{"count": 3, "createdBy": "admin"}]
    # A process of the first release uses a code: the totals of all move, those of the batch do not.
    await database.access_codes.update_one({}, {"$inc": {"usedCount": 1}, "$set": {"full": True}})
    await database.counters.update_one({"family": "accessCodes"}, {"$inc": {"usages": 1, "full": 1, "open": -1}})
    assert not await AccessCodeCounts(database).agree()
    await migrate(database, thorough=False)
    assert await counts(own_api, "Spring") == {"codes": 3, "uses": 1, "usable": 2, "full": 1}
    assert await m0009_access_code_batches.run(database, Options(thorough=True, usage_hold=900)) == 0
