"""Each family in each format: everything that is there, narrowed by each of its filters, without a walk."""

import csv
import io
import json
from datetime import timedelta
from itertools import cycle
from typing import Any

import pytest
from bson import ObjectId

from bench.walks import walks_within
from models.exports import ExportFormat
from models.pagination import Period
from models.values.cells import text_from_cell
from services.exports.families import FAMILIES
from services.exports.service import CHUNK
from tests.integration.exports.test_rest import MADE, coded
from tests.support.api import ADMIN, Api, unique
from tests.support.orders import make_order, refund_units
from tests.support.usage import follow, post

FORMULA = "=SUM(A1:A9)"
TWO = 2
"""How many rows of each family are made."""


async def make_rows(api: Api) -> None:
    """Two of everything that can be exported, by the API."""
    campaign = await follow(api, maxTotalLimit=10)
    for _ in range(TWO):
        user = FORMULA + unique()
        coupon = await api.coupon(username=user)
        redemption = {"redeemerTwitterId": user, "couponCode": coupon["couponCode"]}
        redeemed = await api.http.post("/api/redeem", json={**redemption, "username": user, "followers": 2000})
        assert redeemed.status_code == 200, redeemed.text
        code = {"maxUses": 2, "expiryDays": 1, "description": FORMULA}
        made = await api.http.post("/admin/access-code", json=code, headers=ADMIN)
        use = {"code": made.json()["data"]["accessCode"]["code"], "username": user}
        assert (await api.http.post("/api/access-code/redeem", json=use)).status_code == 200
        moved = await post(api, "add-usage", {"userId": user, "campaignId": campaign, "usageAmount": 2})
        assert moved.status_code == 200, moved.text
        order = await make_order(api.services, userId=user, address=FORMULA)
        await refund_units(api.services, order.id, "p1", 1)


async def rows_of(api: Api, name: str, form: ExportFormat, **filters: str) -> list[dict[str, Any]]:
    answer = await api.http.get(f"/admin/export/{name}", params={"format": form, **filters}, headers=ADMIN)
    assert answer.status_code == 200, answer.text
    if form is ExportFormat.CSV:
        return list(csv.DictReader(io.StringIO(answer.text, newline="")))
    return [json.loads(line) for line in answer.text.splitlines()]


def as_cell(value: object) -> str:
    """What a cell of CSV holds once its apostrophe is taken away."""
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


async def test_both_formats_tell_of_all_there_is_the_newest_first(own_api: Api) -> None:
    await make_rows(own_api)
    with walks_within(own_api.settings.mongo_uri) as walks:
        for name, family in FAMILIES.items():
            flat = await rows_of(own_api, name, ExportFormat.NDJSON)
            assert len(flat) == {"coupons": 2 * TWO, "activity": 4 * TWO + 1}.get(name, TWO), name
            assert [row["_id"] for row in flat] == sorted((row["_id"] for row in flat), reverse=True)
            assert {tuple(row) for row in flat} == {family.columns}
            assert not any(isinstance(value, dict | list) for row in flat for value in row.values())
            table = await rows_of(own_api, name, ExportFormat.CSV)
            assert not any(cell.startswith("=") for row in table for cell in row.values())
            plain = [{name: text_from_cell(cell) for name, cell in row.items()} for row in table]
            assert plain == [{name: as_cell(value) for name, value in row.items()} for row in flat]
    assert walks == []


FILTERS = [
    ("coupons", {"couponCode": "couponCode"}),
    ("redemptions", {"redeemerTwitterId": "redeemerTwitterId", "couponCode": "couponCode"}),
    ("access-codes", {"code": "code"}),
    ("access-code-uses", {"username": "username", "code": "code"}),
    ("usage-moves", {"userId": "userId"}),
    ("orders", {"userId": "userId", "paymentId": "paymentId"}),
    ("refunds", {"userId": "userId", "orderId": "orderId"}),
    ("activity", {"objectId": "objectId", "verb": "verb"}),
]


@pytest.mark.parametrize(("name", "filters"), FILTERS, ids=[name for name, _ in FILTERS])
async def test_a_filter_leaves_what_it_names(own_api: Api, name: str, filters: dict[str, str]) -> None:
    await make_rows(own_api)
    rows = await rows_of(own_api, name, ExportFormat.NDJSON)
    for parameter, column in filters.items():
        left = await rows_of(own_api, name, ExportFormat.NDJSON, **{parameter: rows[-1][column]})
        assert left == [row for row in rows if row[column] == rows[-1][column]], parameter
        assert 0 < len(left) < len(rows)
    if issubclass(FAMILIES[name].filter, Period):
        assert await rows_of(own_api, name, ExportFormat.NDJSON, **{"from": "2099-01-01"}) == []
        assert await rows_of(own_api, name, ExportFormat.NDJSON, **{"from": "2001-01-01", "to": "2099-01-01"}) == rows


async def test_a_formula_in_a_description_is_found_and_defused(own_api: Api) -> None:
    await make_rows(own_api)
    table = await rows_of(own_api, "access-codes", ExportFormat.CSV, description="sum(a1")
    assert [row["description"] for row in table] == ["'" + FORMULA] * TWO


@pytest.mark.parametrize("apart", [timedelta(0), timedelta(seconds=1)])
async def test_a_piece_reads_hardly_more_than_its_rows_wherever_it_is(own_api: Api, apart: timedelta) -> None:
    database = own_api.services.database
    moves = [
        {"at": MADE + n * apart, "userId": "ada", "amount": 1, "move": move, "sequence": n, "by": "ada", "cause": None}
        for n, move in zip(range(8 * CHUNK), cycle(("add", "remove")), strict=False)
    ]
    await database.usage_ledger.insert_many([{**move, "followerId": ObjectId()} for move in moves])
    await database.access_codes.insert_many([coded(n, createdAt=MADE + n * apart) for n in range(8 * CHUNK)])
    profiled = database.client[database.name]
    await profiled.command("profile", 2)
    for name in ("usage-moves", "access-codes"):
        assert len(await rows_of(own_api, name, ExportFormat.NDJSON)) == 8 * CHUNK
    await profiled.command("profile", 0)
    found = profiled["system.profile"].find({"command.find": {"$in": ["usageledger", "accesscodes"]}})
    read = [(query["keysExamined"], query["docsExamined"]) async for query in found]
    assert len(read) >= 16
    assert max(max(both) for both in read) <= CHUNK + 10
