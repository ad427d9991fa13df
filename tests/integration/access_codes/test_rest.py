"""The access code document, path by path: every documented answer and every documented refusal."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from models.values.instants import iso
from services.registry import utc_now
from tests.integration.access_codes.support import expire, make_code, redeem, set_expiry
from tests.support.api import ADMIN, ADMIN_KEY, Api, bearer, unique

CODE = re.compile(r"[A-Z0-9]{6}")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
NEVER_MADE = "______"


def error(message: str, code: str, **more: Any) -> dict[str, Any]:
    return {"status": "error", "message": message, **more, "code": code}


async def test_creating_an_access_code_answers_the_documented_fields(api: Api) -> None:
    body = {"description": "Beta Tester Access Code", "maxUses": 50, "expiryDays": 30}
    before = utc_now()
    answer = await api.http.post("/admin/access-code", json=body, headers=ADMIN)
    assert answer.status_code == 201
    shown = answer.json()["data"]["accessCode"]
    assert list(answer.json()) == ["status", "data"]
    assert CODE.fullmatch(shown.pop("code"))
    expires_at = shown.pop("expiresAt")
    assert INSTANT.fullmatch(expires_at)
    assert before <= datetime.fromisoformat(expires_at) - timedelta(days=30) <= utc_now()
    assert shown == {"description": "Beta Tester Access Code", "maxUses": 50, "active": True}


async def test_the_description_has_a_default(api: Api) -> None:
    answer = await api.http.post("/admin/access-code", json={"maxUses": 1, "expiryDays": 36500}, headers=ADMIN)
    assert answer.json()["data"]["accessCode"]["description"] == "Beta access code"


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, ["maxUses is required", "expiryDays is required"]),
        ({"maxUses": 0, "expiryDays": 0}, ["maxUses must be at least 1", "expiryDays must be at least 1"]),
        ({"maxUses": 1, "expiryDays": 36501}, ["expiryDays must be at most 36500"]),
        ({"maxUses": "50", "expiryDays": 1.0}, ["maxUses must be a whole number", "expiryDays must be a whole number"]),
        ({"maxUses": True, "expiryDays": 1}, ["maxUses must be a whole number"]),
        ({"maxUses": 2**31, "expiryDays": 1}, ["maxUses must be a whole number"]),
        ({"maxUses": 1, "expiryDays": 1, "description": 5}, ["description must be a string"]),
        ({"maxUses": 1, "expiryDays": 1, "code": "ABC123"}, ["code is not a known field"]),
    ],
)
async def test_every_fault_of_a_new_access_code_is_named_at_once(api: Api, body: Any, errors: list[str]) -> None:
    answer = await api.http.post("/admin/access-code", json=body, headers=ADMIN)
    assert answer.status_code == 400
    assert answer.json() == error("Validation failed", "BAD_USER_INPUT", errors=errors) | {"code": "BAD_USER_INPUT"}


async def test_a_valid_code_is_validated_in_either_case_and_not_redeemed(api: Api) -> None:
    code = await make_code(api)
    for _ in range(10):
        await redeem(api, code)
    for spelling in (code, code.lower(), f"%20{code}%20"):
        answer = await api.http.get(f"/api/access-code/validate/{spelling}")
        assert answer.status_code == 200
        assert list(answer.json()) == ["status", "message", "valid", "data"]
        data = answer.json()["data"]
        assert INSTANT.fullmatch(data.pop("expiresAt"))
        assert data == {"description": "Beta Tester Access Code", "remainingUses": 40, "usedCount": 10}
        assert answer.json()["message"] == "Access code is valid"
        assert answer.json()["valid"] is True


async def test_a_wrong_code_is_invalid(api: Api) -> None:
    answer = await api.http.get(f"/api/access-code/validate/{NEVER_MADE}")
    assert answer.status_code == 404
    assert answer.json() == error("Invalid access code", "INVALID_ACCESS_CODE", valid=False)
    answer = await redeem(api, NEVER_MADE)
    assert answer.status_code == 404
    assert answer.json() == error("Invalid access code", "INVALID_ACCESS_CODE")


@pytest.mark.parametrize(
    ("path", "status", "errors"),
    [
        ("/api/access-code/validate/%20", 400, ["code is required"]),
        ("/api/access-code/validate/a%00b", 400, ["code must not contain a NUL character"]),
        ("/api/access-code/validate/" + "A" * 300, 400, ["code must be at most 256 characters"]),
        ("/api/access-code/validate/", 404, None),
        ("/api/access-code/user/%20", 400, ["username is required"]),
        ("/api/access-code/user/", 404, None),
    ],
)
async def test_a_blank_path_segment_is_a_fault_and_an_absent_one_is_not_found(
    api: Api, path: str, status: int, errors: list[str] | None
) -> None:
    answer = await api.http.get(path)
    assert answer.status_code == status
    assert answer.json().get("errors") == errors
    assert answer.json()["status"] == "error"
    if errors and "validate" in path:
        assert answer.json()["valid"] is False


async def test_redeeming_answers_as_documented(api: Api) -> None:
    code = await make_code(api)
    answer = await redeem(api, code.lower(), "user_handle")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "success",
        "message": "Access code redeemed successfully",
        "data": {"description": "Beta Tester Access Code", "active": True},
    }


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, ["code is required", "username is required"]),
        ({"code": "ABC123"}, ["username is required"]),
        ({"code": " ", "username": "a"}, ["code is required"]),
        ({"code": 123456, "username": "a"}, ["code must be a string"]),
        ({"code": "ABC123", "username": "a\x00"}, ["username must not contain a NUL character"]),
        ({"code": "ABC123", "username": "a", "x": 1}, ["x is not a known field"]),
        ({"code": "ABC123", "username": "a", "twitterId": 5}, ["twitterId must be a string"]),
    ],
)
async def test_every_fault_of_a_redemption_is_named_at_once(api: Api, body: Any, errors: list[str]) -> None:
    answer = await api.http.post("/api/access-code/redeem", json=body)
    assert answer.status_code == 400
    assert answer.json()["errors"] == errors


async def test_a_user_uses_a_code_once_and_users_differ_by_case(api: Api) -> None:
    code = await make_code(api)
    assert (await redeem(api, code, "Ann")).status_code == 200
    answer = await redeem(api, code, "Ann")
    assert answer.status_code == 403
    assert answer.json() == error("You have already used this access code", "ACCESS_CODE_ALREADY_USED")
    assert (await redeem(api, code, "ann")).status_code == 200
    assert (await redeem(api, code, " Ann ")).status_code == 403


async def test_refusals_come_in_the_documented_order(api: Api) -> None:
    code, user = await make_code(api, maxUses=1), unique("name")
    assert (await redeem(api, code, user)).status_code == 200

    async def refused() -> tuple[str, str]:
        redeemed = await redeem(api, code, user)
        validated = await api.http.get(f"/api/access-code/validate/{code}")
        assert (redeemed.status_code, validated.status_code) == (403, 403)
        assert validated.json() == redeemed.json() | {"valid": False}
        return redeemed.json()["message"], redeemed.json()["code"]

    assert await refused() == ("Access code has reached maximum usage limit", "ACCESS_CODE_FULLY_USED")
    await api.http.patch(f"/admin/access-code/{code}/deactivate", headers=ADMIN)
    assert await refused() == ("Access code is inactive", "ACCESS_CODE_INACTIVE")
    await expire(api, code)
    assert await refused() == ("Access code has expired", "ACCESS_CODE_EXPIRED")


async def test_the_last_use_leaves_the_code_full_and_not_inactive(api: Api) -> None:
    code = await make_code(api, maxUses=1)
    assert (await redeem(api, code)).json()["data"]["active"] is True
    shown = (await api.http.get(f"/admin/access-code/{code}", headers=ADMIN)).json()["data"]["accessCode"]
    assert (shown["active"], shown["usedCount"], shown["stats"]["isUsable"]) == (True, 1, False)


async def test_a_users_redemptions_are_shown_the_last_first_and_outlive_the_code(api: Api) -> None:
    user, codes = unique("name"), [await make_code(api, description=f"number {n}") for n in range(2)]
    for code in codes:
        await redeem(api, code, user)
    await api.http.delete(f"/admin/access-code/{codes[0]}", headers=ADMIN)
    answer = await api.http.get(f"/api/access-code/user/{user}")
    assert answer.status_code == 200
    data = answer.json()["data"]
    assert data["hasRedeemedAccessCode"] is True
    assert [list(shown) for shown in data["accessCodes"]] == [["code", "description", "expiresAt", "createdAt"]] * 2
    assert [shown["code"] for shown in data["accessCodes"]] == codes[::-1]
    assert data["accessCodes"][1]["description"] == "number 0"


async def test_a_user_who_redeemed_nothing_has_no_redemptions(api: Api) -> None:
    answer = await api.http.get("/api/access-code/user/nobody")
    assert answer.json() == {"status": "success", "data": {"hasRedeemedAccessCode": False, "accessCodes": []}}


async def test_the_details_show_uses_and_statistics_with_exactly_the_documented_fields(api: Api) -> None:
    code = await make_code(api, maxUses=3)
    await redeem(api, code, "with_id", twitterId="123456789")
    await redeem(api, code, "without_id")
    answer = await api.http.get(f"/api/admin/access-code/{code.lower()}", headers=ADMIN)
    assert answer.status_code == 200
    shown = answer.json()["data"]["accessCode"]
    for instant in (shown.pop("expiresAt"), shown.pop("createdAt"), *(u.pop("redeemedAt") for u in shown["usedBy"])):
        assert INSTANT.fullmatch(instant)
    assert shown == {
        "code": code,
        "description": "Beta Tester Access Code",
        "maxUses": 3,
        "usedCount": 2,
        "active": True,
        "createdBy": "admin",
        "usedBy": [
            {"twitterId": "123456789", "username": "with_id"},
            {"twitterId": None, "username": "without_id"},
        ],
        "stats": {
            "usagePercentage": 66.67,
            "isExpired": False,
            "isUsable": True,
            "remainingUses": 1,
            "daysUntilExpiry": 30,
        },
    }


@pytest.mark.parametrize(
    ("left", "days", "expired"),
    [
        (timedelta(days=2, seconds=30), 3, False),
        (timedelta(hours=1), 1, False),
        (timedelta(0), 0, True),
        (timedelta(days=-3), 0, True),
    ],
)
async def test_days_until_expiry_are_rounded_up_and_never_below_zero(
    api: Api, left: timedelta, days: int, expired: bool
) -> None:
    code = await make_code(api)
    await set_expiry(api, code, utc_now() + left)
    shown = (await api.http.get(f"/admin/access-code/{code}", headers=ADMIN)).json()["data"]["accessCode"]["stats"]
    assert (shown["daysUntilExpiry"], shown["isExpired"], shown["isUsable"]) == (days, expired, not expired)


async def test_activating_and_deactivating_are_idempotent(api: Api) -> None:
    code = await make_code(api)
    for word, active in (("deactivate", False), ("deactivate", False), ("activate", True), ("activate", True)):
        answer = await api.http.patch(f"/admin/access-code/{code}/{word}", headers=ADMIN)
        assert answer.status_code == 200
        assert answer.json() == {
            "status": "success",
            "message": f"Access code {word}d successfully",
            "data": {"code": code, "active": active},
        }


async def test_a_full_or_expired_code_cannot_be_activated(api: Api) -> None:
    code = await make_code(api, maxUses=1)
    await redeem(api, code)
    await api.http.patch(f"/admin/access-code/{code}/deactivate", headers=ADMIN)
    await expire(api, code)
    full = "Cannot activate: maximum usage limit reached"
    answer = await api.http.patch(f"/admin/access-code/{code}/activate", headers=ADMIN)
    assert answer.status_code == 400
    assert answer.json() == error(full, "ACCESS_CODE_FULLY_USED", errors=[full])
    other = await make_code(api)
    await expire(api, other)
    answer = await api.http.patch(f"/admin/access-code/{other}/activate", headers=ADMIN)
    assert answer.status_code == 400
    assert answer.json()["message"] == "Cannot activate: access code has expired"
    assert answer.json()["code"] == "ACCESS_CODE_EXPIRED"


async def test_a_deleted_code_is_gone(api: Api) -> None:
    code = await make_code(api)
    answer = await api.http.delete(f"/admin/access-code/{code}", headers=ADMIN)
    assert answer.status_code == 200
    assert answer.json() == {"status": "success", "message": "Access code deleted successfully"}
    assert (await redeem(api, code)).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/admin/access-code/{}"),
        ("DELETE", "/admin/access-code/{}"),
        ("PATCH", "/admin/access-code/{}/activate"),
        ("PATCH", "/admin/access-code/{}/deactivate"),
    ],
)
async def test_a_code_that_is_not_there_is_not_found_by_admins(api: Api, method: str, path: str) -> None:
    answer = await api.http.request(method, path.format(NEVER_MADE), headers=ADMIN)
    assert answer.status_code == 404
    assert answer.json() == error("Access code not found", "ACCESS_CODE_NOT_FOUND")
    assert (await api.http.request(method, path.format("%20"), headers=ADMIN)).status_code == 400


@pytest.mark.parametrize("prefix", ["/admin", "/api/admin"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/access-code"),
        ("GET", "/access-codes"),
        ("GET", "/access-code-stats"),
        ("GET", "/access-code/ABC123"),
        ("DELETE", "/access-code/ABC123"),
        ("PATCH", "/access-code/ABC123/activate"),
        ("PATCH", "/access-code/ABC123/deactivate"),
    ],
)
async def test_admin_paths_are_for_admins(api: Api, prefix: str, method: str, path: str) -> None:
    async def status(headers: dict[str, str], query: str = "") -> int:
        return (await api.http.request(method, prefix + path + query, headers=headers)).status_code

    assert await status({}) == 401
    assert await status({"x-admin-key": "wrong"}) == 403
    assert await status(bearer("someone", "default")) == 403
    assert await status(bearer("someone", "admin")) not in (401, 403)
    assert await status({}, f"?adminKey={ADMIN_KEY}") not in (401, 403)


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/api/access-code/redeem", "POST"),
        ("/api/access-code/validate/ABC123", "GET, HEAD"),
        ("/admin/access-code/ABC123", "DELETE, GET, HEAD"),
        ("/admin/access-code/ABC123/activate", "PATCH"),
    ],
)
async def test_a_wrong_method_is_answered_with_the_right_ones(api: Api, path: str, allow: str) -> None:
    answer = await api.http.put(path, headers=ADMIN)
    assert answer.status_code == 405
    assert sorted(answer.headers["allow"].split(", ")) == allow.split(", ")


async def test_the_list_shows_the_newest_first_with_exactly_the_documented_fields(own_api: Api) -> None:
    codes = [await make_code(own_api) for _ in range(3)]
    await redeem(own_api, codes[1], "user_handle", twitterId="123456789")
    answer = await own_api.http.get("/admin/access-codes", headers=ADMIN)
    data = answer.json()["data"]
    assert [shown["code"] for shown in data["accessCodes"]] == codes[::-1]
    assert data["pagination"] == {"total": 3, "page": 1, "pages": 1, "limit": 20}
    shown = data["accessCodes"][1]
    assert re.fullmatch("[0-9a-f]{24}", shown.pop("_id"))
    for instant in (shown.pop("expiresAt"), shown.pop("createdAt"), shown["usedBy"][0].pop("redeemedAt")):
        assert INSTANT.fullmatch(instant)
    assert shown == {
        "code": codes[1],
        "description": "Beta Tester Access Code",
        "maxUses": 50,
        "usedCount": 1,
        "active": True,
        "createdBy": "admin",
        "usedBy": [{"twitterId": "123456789", "username": "user_handle"}],
    }


async def test_the_list_is_narrowed_and_paged(own_api: Api) -> None:
    codes = [await make_code(own_api) for _ in range(5)]
    for code in codes[:2]:
        await own_api.http.patch(f"/admin/access-code/{code}/deactivate", headers=ADMIN)
    await expire(own_api, codes[1])
    await expire(own_api, codes[2])

    async def listed(query: str) -> tuple[list[str], int]:
        answer = await own_api.http.get(f"/admin/access-codes{query}", headers=ADMIN)
        assert answer.status_code == 200, answer.text
        data = answer.json()["data"]
        return [shown["code"] for shown in data["accessCodes"]], data["pagination"]["total"]

    a, b, c, d, e = codes
    assert await listed("?active=true") == ([e, d, c], 3)
    assert await listed("?active=false") == ([b, a], 2)
    assert await listed("?expired=true") == ([c, b], 2)
    assert await listed("?expired=false") == ([e, d, a], 3)
    assert await listed("?expired=true&active=true") == ([c], 1)
    assert await listed("?expired=false&active=false") == ([a], 1)
    assert await listed("?expired=true&active=false") == ([b], 1)
    assert await listed("?expired=&unknown=1") == ([e, d, c, b, a], 5)
    assert await listed("?limit=2&page=2") == ([c, b], 5)
    assert await listed("?limit=2&page=3") == ([a], 5)
    assert await listed("?limit=2&page=9") == ([], 5)
    part = a[1:5].lower()
    assert await listed(f"?code={part}") == ([code for code in codes[::-1] if part.upper() in code], 1)
    assert await listed("?code=.*") == ([], 0)


@pytest.mark.parametrize(
    "query", ["?active=1", "?active=true&active=true", "?expired=yes", "?limit=0", "?limit=101", "?page=0", "?page=x"]
)
async def test_a_bad_query_of_the_list_is_a_fault(api: Api, query: str) -> None:
    answer = await api.http.get(f"/admin/access-codes{query}", headers=ADMIN)
    assert answer.status_code == 400
    assert len(answer.json()["errors"]) == 1


async def test_statistics_of_nothing_are_zeros(own_api: Api) -> None:
    answer = await own_api.http.get("/admin/access-code-stats", headers=ADMIN)
    assert answer.json() == {
        "status": "success",
        "data": {
            "totalAccessCodes": 0,
            "activeAccessCodes": 0,
            "expiredAccessCodes": 0,
            "fullyUsedAccessCodes": 0,
            "totalUsages": 0,
            "mostUsedCode": None,
        },
    }


async def test_statistics_count_what_exists_at_the_moment_of_asking(own_api: Api) -> None:
    full, inactive, expired, expired_full, deleted = [await make_code(own_api, maxUses=2) for _ in range(5)]
    for code in (full, expired_full, deleted):
        for user in ("a", "b"):
            assert (await redeem(own_api, code, user)).status_code == 200
    await own_api.http.patch(f"/admin/access-code/{inactive}/deactivate", headers=ADMIN)
    await expire(own_api, expired)
    await expire(own_api, expired_full)
    await own_api.http.delete(f"/admin/access-code/{deleted}", headers=ADMIN)
    usable = await make_code(own_api, description="the usable one")
    await redeem(own_api, usable)
    answer = await own_api.http.get("/admin/access-code-stats", headers=ADMIN)
    assert answer.json()["data"] == {
        "totalAccessCodes": 5,
        "activeAccessCodes": 1,
        "expiredAccessCodes": 2,
        "fullyUsedAccessCodes": 2,
        "totalUsages": 5,
        # Two codes have two uses; the tie goes to the newest.
        "mostUsedCode": {
            "code": expired_full,
            "description": "Beta Tester Access Code",
            "usedCount": 2,
            "maxUses": 2,
        },
    }


async def test_a_code_expires_at_its_instant_without_any_sweep(own_api: Api) -> None:
    code = await make_code(own_api)
    at = utc_now() + timedelta(milliseconds=600)
    await set_expiry(own_api, code, at)
    answer = await own_api.http.get(f"/api/access-code/validate/{code}")
    assert answer.json()["data"]["expiresAt"] == iso(at)
    while utc_now() < at:
        stats = (await own_api.http.get("/admin/access-code-stats", headers=ADMIN)).json()["data"]
        assert (stats["activeAccessCodes"], stats["expiredAccessCodes"]) == (1, 0) or utc_now() >= at
    stats = (await own_api.http.get("/admin/access-code-stats", headers=ADMIN)).json()["data"]
    assert (stats["activeAccessCodes"], stats["expiredAccessCodes"]) == (0, 1)
    assert (await own_api.http.get(f"/api/access-code/validate/{code}")).status_code == 403
