"""`/admin/export/…`: each family in each format, what is refused, where it goes on."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import Decimal128, ObjectId

from models.access_codes.access_code import AccessCodeFilter
from models.coupons.coupon import CouponFilter
from models.exports import Export, ExportFormat
from models.principal import SYSTEM
from services.exports.families import FAMILIES
from services.exports.service import CHUNK, MOST_AT_ONCE
from tests.support.api import ADMIN, ADMIN_KEY, Api, bearer

MADE = datetime(2026, 1, 15, 12, tzinfo=UTC)
FORMULA = '=HYPERLINK("http://evil.example")'


def coded(number: int, **fields: Any) -> dict[str, Any]:
    """The document of an access code; three each were made at the same instant."""
    return {
        "_id": ObjectId(),
        "code": f"C{number:05d}",
        "codeKey": f"c{number:05d}",
        "codeTrigrams": ["c00", "000"],
        "description": f"number {number}",
        "maxUses": 5,
        "usedCount": 0,
        "expiresAt": MADE + timedelta(days=30),
        "active": number % 2 == 0,
        "createdAt": MADE + timedelta(seconds=number // 3),
        "updatedAt": MADE,
        "createdBy": "admin",
        "form": 2,
        **fields,
    }


def codes(number: int, **fields: Any) -> list[dict[str, Any]]:
    return [coded(n, **fields) for n in range(number)]


def place(document: dict[str, Any]) -> tuple[datetime, ObjectId]:
    """Where a document stands among those of its kind."""
    return document["createdAt"], document["_id"]


def coupon(**fields: Any) -> dict[str, Any]:
    return {
        "_id": ObjectId(),
        "couponCode": "ABCD-EFGH",
        "twitterId": "1001",
        "username": FORMULA,
        "followers": 1500,
        "points": -10,
        "timesUsed": 0,
        "role": "creator",
        "active": True,
        "createdAt": MADE,
        "updatedAt": MADE,
        "lastUsedAt": None,
        **fields,
    }


def order(**fields: Any) -> dict[str, Any]:
    line = {"productId": "tea", "quantity": 3, "price": Decimal128("19.9"), "refundedAmount": Decimal128("0.00")}
    return {
        "_id": ObjectId(),
        "userId": "ada",
        "checkoutId": "c",
        "basketId": "b",
        "paymentId": str(ObjectId()),
        "products": [line],
        "address": "1 Long Street\nTown",
        "isGift": False,
        "status": "Pending",
        "totalPrice": Decimal128("59.70"),
        "refunded": False,
        "cardLast4": "0042",
        "createdAt": MADE,
        "updatedAt": MADE,
        **fields,
    }


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


async def export(api: Api, name: str, **query: str | None) -> str:
    answer = await api.http.get(f"/admin/export/{name}", params=query, headers=ADMIN)
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_a_coupon_as_csv_and_as_json(own_api: Api) -> None:
    made = coupon()
    await own_api.services.database.coupons.insert_one(made)
    answer = await own_api.http.get("/admin/export/coupons", headers=ADMIN)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="coupons.csv"'
    assert answer.headers["cache-control"] == "no-store"
    head, line, rest = answer.text.split("\n", 2)
    assert head == (
        "_id,couponCode,twitterId,username,followers,points,timesUsed,role,active,createdAt,updatedAt,lastUsedAt"
    )
    quoted = "'" + FORMULA.replace('"', '""')
    instant = "2026-01-15T12:00:00.000Z"
    assert line == f'{made["_id"]},ABCD-EFGH,\'1001,"{quoted}",1500,-10,0,creator,true,{instant},{instant},'
    assert rest == ""
    answer = await own_api.http.get("/admin/export/coupons?format=ndjson", headers=ADMIN)
    assert answer.headers["content-type"] == "application/x-ndjson; charset=utf-8"
    assert json.loads(answer.text)["username"] == FORMULA
    assert list(json.loads(answer.text)) == head.split(",")
    assert json.loads(answer.text)["lastUsedAt"] is None


async def test_an_order_is_one_flat_row(own_api: Api) -> None:
    await own_api.services.database.orders.insert_one(order())
    (row,) = table(await export(own_api, "orders"))
    assert (row["cardLast4"], row["totalPrice"], row["address"]) == ("'0042", "59.7", "1 Long Street\nTown")
    flat = json.loads(await export(own_api, "orders", format="ndjson"))
    assert not any(isinstance(value, dict | list) for value in flat.values())
    assert json.loads(flat["products"])[0]["price"] == 19.9
    assert row["products"] == flat["products"]


@pytest.mark.parametrize("form", list(ExportFormat))
@pytest.mark.parametrize("name", FAMILIES)
async def test_nothing_is_a_header_or_nothing(own_api: Api, name: str, form: ExportFormat) -> None:
    text = await export(own_api, name, format=form)
    assert text == (",".join(FAMILIES[name].columns) + "\n" if form is ExportFormat.CSV else "")


@pytest.mark.parametrize("form", list(ExportFormat))
async def test_all_rows_come_once_the_newest_first(own_api: Api, form: ExportFormat) -> None:
    made = codes(2 * CHUNK + 7)
    await own_api.services.database.access_codes.insert_many(made)
    text = await export(own_api, "access-codes", format=form)
    rows = table(text) if form is ExportFormat.CSV else [json.loads(line) for line in text.splitlines()]
    assert [row["code"] for row in rows] == [code["code"] for code in sorted(made, key=place, reverse=True)]


async def test_codes_of_one_instant_come_once(own_api: Api) -> None:
    made = codes(2 * CHUNK + 7, createdAt=MADE)
    await own_api.services.database.access_codes.insert_many(made)
    rows = table(await export(own_api, "access-codes"))
    assert [row["code"] for row in rows] == [code["code"] for code in reversed(made)]


@pytest.mark.parametrize("form", list(ExportFormat))
async def test_a_broken_export_goes_on_behind_its_last_row(own_api: Api, form: ExportFormat) -> None:
    await own_api.services.database.access_codes.insert_many(codes(CHUNK + 20))
    whole = await export(own_api, "access-codes", format=form)
    lines = whole.splitlines(keepends=True)
    for end in (2, 3, 4, CHUNK, CHUNK + 1, len(lines)):
        last = lines[end - 1]
        cursor = last.partition(",")[0] if form is ExportFormat.CSV else json.loads(last)["_id"]
        rest = await export(own_api, "access-codes", format=form, cursor=cursor)
        assert "".join(lines[:end]) + rest == whole


async def test_what_is_made_or_deleted_meanwhile_moves_no_other(own_api: Api) -> None:
    made = codes(3 * CHUNK)
    stored = own_api.services.database.access_codes
    await stored.insert_many(made)
    seen: list[str] = []
    async for piece in own_api.services.exports.write(SYSTEM, FAMILIES["access-codes"], Export(AccessCodeFilter())):
        seen += [row.split(",")[1] for row in piece.text.splitlines()]
        await stored.insert_one(coded(len(seen), code=f"NEW{len(seen)}", createdAt=MADE + timedelta(days=1)))
        await stored.delete_one({"_id": ObjectId(piece.cursor)})
    assert seen[1:] == [code["code"] for code in sorted(made, key=place, reverse=True)]


async def test_filters_are_those_of_the_lists(own_api: Api) -> None:
    await own_api.services.database.access_codes.insert_many(codes(6))
    rows = table(await export(own_api, "access-codes", active="false"))
    assert [row["code"] for row in rows] == ["C00005", "C00003", "C00001"]


async def test_a_mark_of_its_encoding_begins_csv_alone(own_api: Api) -> None:
    assert (await export(own_api, "coupons", bom="1")).startswith("\ufeff_id,")
    assert (await export(own_api, "coupons", bom="0")).startswith("_id,")
    assert await export(own_api, "coupons", bom="1", format="ndjson") == ""


@pytest.mark.parametrize("path", ["/admin/export/coupons", "/api/admin/export/coupons", "/admin/export/other"])
async def test_exports_are_for_admins(own_api: Api, path: str) -> None:
    assert (await own_api.http.get(path)).status_code == 401
    assert (await own_api.http.get(path, headers=bearer("ada"))).status_code == 403
    assert (await own_api.http.get(path, headers={"x-admin-key": "wrong"})).status_code == 403
    found = await own_api.http.get(path, params={"adminKey": ADMIN_KEY})
    assert found.status_code == (404 if "other" in path else 200)


async def test_everything_that_is_wrong_is_told_at_once(own_api: Api) -> None:
    query = "format=xml&bom=yes&cursor=5&minFollowers=x&minFollower=3&role=creator&role=user"
    answer = await own_api.http.get(f"/admin/export/coupons?{query}", headers=ADMIN)
    assert (answer.status_code, answer.json()["code"]) == (400, "BAD_USER_INPUT")
    errors = answer.json()["errors"]
    assert errors[0].startswith("minFollower is not known here; known are ")
    assert errors[1:] == [
        "format must be csv or ndjson",
        "bom must be true or false",
        "cursor must be a valid ObjectId",
        "role must be given once",
        "minFollowers must be a whole number",
    ]


async def test_a_cursor_whose_row_is_gone_is_refused(own_api: Api) -> None:
    answer = await own_api.http.get(f"/admin/export/coupons?cursor={ObjectId()}", headers=ADMIN)
    assert (answer.status_code, answer.json()["code"]) == (400, "BAD_USER_INPUT")
    assert answer.json()["message"] == "cursor is no _id of a row that is there; take that of the row before it"


async def test_other_methods(own_api: Api) -> None:
    head = await own_api.http.head("/admin/export/coupons", headers=ADMIN)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == "text/csv; charset=utf-8"
    posted = await own_api.http.post("/admin/export/coupons", headers=ADMIN)
    assert (posted.status_code, posted.headers["allow"]) == (405, "GET, HEAD")


async def test_one_too_many_is_refused_until_another_ends(own_api: Api) -> None:
    running = [
        own_api.services.exports.write(SYSTEM, FAMILIES["coupons"], Export(CouponFilter())) for _ in range(MOST_AT_ONCE)
    ]
    for one in running:
        await anext(one)
    refused = await own_api.http.get("/admin/export/coupons", headers=ADMIN)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "10")
    assert refused.json()["message"] == "4 exports are running here; please try again when one has ended"
    await running[0].aclose()
    for _ in range(MOST_AT_ONCE):
        assert (await own_api.http.get("/admin/export/coupons", headers=ADMIN)).status_code == 200
        assert (await own_api.http.head("/admin/export/coupons", headers=ADMIN)).status_code == 200
    for one in running:
        await one.aclose()
