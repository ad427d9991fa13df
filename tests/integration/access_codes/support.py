"""Access codes as the tests make and judge them."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from bson import ObjectId
from pymongo import MongoClient

from models.access_codes.access_code import AccessCode
from services.access_codes.repository import ACCESS_CODES
from services.access_codes.totals import AccessCodeCounts
from services.kit.database import Database
from services.registry import Services, utc_now
from tests.support.api import ADMIN, Api, unique
from tests.support.series import check_series_invariants


async def make_code(api: Api, **changes: Any) -> str:
    """Make a code by REST; answers it."""
    body = {"description": "Beta Tester Access Code", "maxUses": 50, "expiryDays": 30, **changes}
    made = await api.http.post("/admin/access-code", json=body, headers=ADMIN)
    assert made.status_code == 201, made.text
    code: str = made.json()["data"]["accessCode"]["code"]
    return code


async def stored_codes(services: Services, **conditions: Any) -> list[AccessCode]:
    """Every code that meets the conditions, the oldest first."""
    found = services.database.access_codes.find(conditions).sort([("createdAt", 1), ("_id", 1)])
    return [ACCESS_CODES.load(document) async for document in found]


async def redeem(api: Api, code: str, username: str | None = None, **more: Any) -> Any:
    """Redeem a code by REST, as a new user where none is named."""
    body = {"code": code, "username": username or unique("name"), **more}
    return await api.http.post("/api/access-code/redeem", json=body)


async def set_expiry(api: Api, code: str, expires_at: datetime) -> None:
    """Let time pass for a code: what stands in the database says so, and the counts follow."""
    await api.services.database.access_codes.update_one({"code": code}, {"$set": {"expiresAt": expires_at}})
    await api.services.database.transaction(AccessCodeCounts(api.services.database).recount)


async def expire(api: Api, code: str) -> None:
    await set_expiry(api, code, utc_now())


def check_access_code_invariants(database_uri: str) -> int:
    """Assert every invariant of access codes and uses; answers the number of uses.

    No code is used beyond its limit; `usedCount` equals a code's uses; nobody used a code twice; `full` follows from
    the numbers; the counters equal the rows; each use has one event; the series counts the uses.
    """
    with MongoClient[dict[str, Any]](database_uri, tz_aware=True, tzinfo=UTC) as client:
        database = client.get_default_database()
        codes = list(database["accesscodes"].find())
        uses = list(database["accesscodeuses"].find())
        counters = list(database["counters"].find({"family": "accessCodes"}))
        hours = list(database["expirycounts"].find({"family": "accessCodes", "level": "hour"}))
        events = database["outbox"].count_documents({"topic": "couponSystem-accessCodeRedeemed"})
    of_code: Counter[ObjectId] = Counter(use["codeId"] for use in uses)
    for code in codes:
        assert code["usedCount"] == of_code[code["_id"]], code
        assert code["usedCount"] <= code["maxUses"], code
        assert code["full"] == (code["usedCount"] == code["maxUses"]), code
    pairs = Counter((use["codeId"], use["username"]) for use in uses)
    assert set(pairs.values()) <= {1}
    counted = {name: sum(counter.get(name, 0) for counter in counters) for name in ("codes", "usages", "full")}
    assert counted == {
        "codes": len(codes),
        "usages": sum(code["usedCount"] for code in codes),
        "full": sum(code["full"] for code in codes),
    }
    is_open = [code for code in codes if code["active"] and not code["full"]]
    for name, rows in (("codes", codes), ("open", is_open)):
        by_hour = Counter(row["expiresAt"].replace(minute=0, second=0, microsecond=0) for row in rows)
        kept: Counter[datetime] = Counter()
        for hour in hours:
            kept[hour["from"]] += hour["numbers"].get(name, 0)
        assert +kept == by_hour
    assert events == len(uses)
    check_series_invariants(database_uri, "accessCodeUses")
    return len(uses)


async def brute_force_stats(database: Database, now: datetime) -> dict[str, int]:
    """The statistics counted one by one."""
    codes = [document async for document in database.access_codes.find()]
    expired = [code for code in codes if code["expiresAt"] <= now]
    full = [code for code in codes if code["usedCount"] >= code["maxUses"]]
    usable = [c for c in codes if c["active"] and c["expiresAt"] > now and c["usedCount"] < c["maxUses"]]
    return {
        "total": len(codes),
        "active": len(usable),
        "expired": len(expired),
        "fully_used": len(full),
        "total_usages": sum(code["usedCount"] for code in codes),
    }
