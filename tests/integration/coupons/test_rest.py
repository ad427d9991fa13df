"""The coupon document, path by path: every documented answer and every documented refusal."""

import re
from typing import Any

import pytest

from tests.support.api import ADMIN, ADMIN_KEY, Api, bearer, unique

CODE = re.compile(r"[2-9A-HJKMNP-Z]{4}-[2-9A-HJKMNP-Z]{4}")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
NEVER_MADE = "60d21b4667d0d8992e610c85"


async def test_creating_a_coupon_answers_its_code_username_and_role(api: Api) -> None:
    body = {"twitterId": unique("t"), "username": "user_handle", "followers": 1500, "role": "creator"}
    answer = await api.http.post("/api/coupon", json=body)
    assert answer.status_code == 201
    code = answer.json()["data"]["code"]
    assert CODE.fullmatch(code)
    expected = {"status": "success", "data": {"code": code, "username": "user_handle", "role": "creator"}}
    assert answer.json() == expected


async def test_the_role_of_a_new_coupon_is_user_by_default(api: Api) -> None:
    body = {"twitterId": unique("t"), "username": "user_handle", "followers": 1000}
    answer = await api.http.post("/api/coupon", json=body)
    assert answer.json()["data"]["role"] == "user"


async def test_a_user_who_has_a_coupon_gets_no_second_one(api: Api) -> None:
    made = await api.coupon()
    again = {"twitterId": made["twitterId"], "username": "other", "followers": 2000}
    answer = await api.http.post("/api/coupon", json=again)
    assert answer.status_code == 409
    assert answer.json() == {
        "status": "error",
        "message": "User already has a coupon",
        "code": "COUPON_ALREADY_EXISTS",
    }


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, ["twitterId is required", "username is required", "followers is required"]),
        (
            {"twitterId": " ", "username": 5, "followers": 999},
            ["username must be a string", "twitterId is required", "followers must be at least 1000"],
        ),
        ({"twitterId": "1", "username": "a", "followers": 1500.0}, ["followers must be a whole number"]),
        ({"twitterId": "1", "username": "a", "followers": "1500"}, ["followers must be a whole number"]),
        ({"twitterId": "1", "username": "a", "followers": True}, ["followers must be a whole number"]),
        ({"twitterId": "1", "username": "a", "followers": 2**31}, ["followers must be a whole number"]),
        ({"twitterId": "1", "username": "a", "followers": 1500, "role": "x"}, ["role must be creator or user"]),
        ({"twitterId": "1", "username": "a", "followers": 1500, "x": 1}, ["x is not a known field"]),
        ({"twitterId": "a\x00b", "username": "a", "followers": 1500}, ["twitterId must not contain a NUL character"]),
    ],
)
async def test_every_fault_of_a_new_coupon_is_named_at_once(api: Api, body: Any, errors: list[str]) -> None:
    answer = await api.http.post("/api/coupon", json=body)
    assert answer.status_code == 400
    assert answer.json()["message"] == "Validation failed"
    assert sorted(answer.json()["errors"]) == sorted(errors)
    assert answer.json()["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    ("content", "content_type", "status", "code"),
    [
        (b"{", "application/json", 400, "BAD_USER_INPUT"),
        (b"", "application/json", 400, "BAD_USER_INPUT"),
        (b"null", "application/json", 400, "BAD_USER_INPUT"),
        (b"[]", "application/json", 400, "BAD_USER_INPUT"),
        (b'{"twitterId": "1", "twitterId": "2"}', "application/json", 400, "BAD_USER_INPUT"),
        (b'{"twitterId": "\\ud800"}', "application/json", 400, "BAD_USER_INPUT"),
        (b'{"followers": NaN}', "application/json", 400, "BAD_USER_INPUT"),
        (b'{"followers": ' + b"9" * 5000 + b"}", "application/json", 400, "BAD_USER_INPUT"),
        (b'{"a": ' * 900 + b"1" + b"}" * 900, "application/json", 400, "BAD_USER_INPUT"),
        (b"\xff\xfe", "application/json", 400, "BAD_USER_INPUT"),
        (b"[" * 50_000, "application/json", 400, "BAD_USER_INPUT"),
        (b" " * 100_000, "application/json", 413, "PAYLOAD_TOO_LARGE"),
        (b"twitterId=1", "application/x-www-form-urlencoded", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (b"{}", "text/plain", 415, "UNSUPPORTED_MEDIA_TYPE"),
    ],
)
async def test_a_body_that_is_no_json_object_is_refused_in_the_shape_of_errors(
    api: Api, content: bytes, content_type: str, status: int, code: str
) -> None:
    answer = await api.http.post("/api/coupon", content=content, headers={"content-type": content_type})
    assert answer.status_code == status
    assert answer.json()["status"] == "error"
    assert answer.json()["code"] == code


async def test_a_coupon_is_found_by_its_twitter_id_with_exactly_the_documented_fields(api: Api) -> None:
    made = await api.coupon(role="creator")
    answer = await api.http.get("/api/coupon", params={"twitterId": made["twitterId"]})
    assert answer.status_code == 200
    data = answer.json()["data"]
    assert list(answer.json()) == ["status", "data"]
    assert re.fullmatch("[0-9a-f]{24}", data.pop("_id"))
    assert INSTANT.fullmatch(data.pop("createdAt"))
    assert INSTANT.fullmatch(data.pop("updatedAt"))
    assert data == {
        "couponCode": made["couponCode"],
        "twitterId": made["twitterId"],
        "username": made["username"],
        "followers": 1500,
        "points": 0,
        "timesUsed": 0,
        "role": "creator",
        "active": True,
        "lastUsedAt": None,
    }


@pytest.mark.parametrize("query", ["", "?twitterId=", "?twitterId=%20", "?twitterId=1&twitterId=2"])
async def test_looking_for_a_coupon_takes_one_twitter_id(api: Api, query: str) -> None:
    answer = await api.http.get(f"/api/coupon{query}")
    assert answer.status_code == 400
    assert len(answer.json()["errors"]) == 1


async def test_a_coupon_that_does_not_exist_is_not_found(api: Api) -> None:
    answer = await api.http.get("/api/coupon", params={"twitterId": "nobody", "other": "ignored"})
    assert answer.status_code == 404
    assert answer.json() == {"status": "error", "message": "Coupon not found", "code": "COUPON_NOT_FOUND"}


async def test_redeeming_gives_ten_points_to_each_side(api: Api) -> None:
    creator, redeemer = await api.coupon(), await api.coupon()
    body = {"redeemerTwitterId": redeemer["twitterId"], "couponCode": f" {creator['couponCode'].lower()} "}
    answer = await api.http.post("/api/redeem", json=body)
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "success",
        "message": "Coupon redeemed successfully",
        "data": {"creatorPoints": 10, "redeemerPoints": 10},
    }
    shown = (await api.http.get("/api/coupon", params={"twitterId": creator["twitterId"]})).json()["data"]
    assert (shown["points"], shown["timesUsed"]) == (10, 1)
    assert shown["lastUsedAt"] == shown["updatedAt"]


async def test_a_new_user_gets_a_coupon_of_the_same_role_by_redeeming(api: Api) -> None:
    creator = await api.coupon(role="creator")
    twitter_id = unique("t")
    body = {
        "redeemerTwitterId": twitter_id,
        "username": "new_user",
        "followers": 1500,
        "couponCode": creator["couponCode"],
    }
    answer = await api.http.post("/api/redeem", json=body)
    assert answer.status_code == 200
    code = answer.json()["data"]["newCouponCode"]
    assert CODE.fullmatch(code)
    assert answer.json()["data"] == {
        "creatorPoints": 10,
        "redeemerPoints": 10,
        "newUser": True,
        "newCouponCode": code,
        "message": "New coupon created and points awarded",
    }
    shown = (await api.http.get("/api/coupon", params={"twitterId": twitter_id})).json()["data"]
    assert (shown["couponCode"], shown["role"], shown["points"], shown["timesUsed"]) == (code, "creator", 10, 0)


async def refuse_redemption(api: Api, body: dict[str, Any]) -> tuple[int, str]:
    answer = await api.http.post("/api/redeem", json=body)
    assert answer.json()["status"] == "error"
    assert ("errors" in answer.json()) == (answer.status_code == 400)
    return answer.status_code, answer.json()["message"]


async def test_redemptions_are_refused_in_the_documented_order(api: Api) -> None:
    creator, user = await api.coupon(role="creator"), await api.coupon()
    code, new = creator["couponCode"], unique("t")
    required = (400, "Twitter ID and coupon code are required")
    assert await refuse_redemption(api, {}) == required
    assert await refuse_redemption(api, {"redeemerTwitterId": "", "couponCode": code}) == required
    unknown = {"redeemerTwitterId": creator["twitterId"], "couponCode": "AAAA-AAAA"}
    assert await refuse_redemption(api, unknown) == (404, "Invalid coupon code")
    own = {"redeemerTwitterId": creator["twitterId"], "couponCode": code}
    assert await refuse_redemption(api, own) == (400, "Cannot redeem your own coupon")
    fields = (400, "Username and followers count are required for new users")
    assert await refuse_redemption(api, {"redeemerTwitterId": new, "couponCode": code}) == fields
    few = {"redeemerTwitterId": new, "couponCode": code, "username": "a", "followers": 999}
    assert await refuse_redemption(api, few) == (400, "Minimum 1000 followers required")
    role = {"redeemerTwitterId": user["twitterId"], "couponCode": code}
    assert await refuse_redemption(api, role) == (403, "Creator and redeemer must have the same role")
    shown = (await api.http.get("/api/coupon", params={"twitterId": creator["twitterId"]})).json()["data"]
    assert (shown["points"], shown["timesUsed"]) == (0, 0)


async def test_faulty_types_and_unknown_fields_of_a_redemption_come_before_its_rules(api: Api) -> None:
    body = {"redeemerTwitterId": 5, "followers": "1", "x": 1}
    answer = await api.http.post("/api/redeem", json=body)
    assert answer.status_code == 400
    assert sorted(answer.json()["errors"]) == [
        "followers must be a whole number",
        "redeemerTwitterId must be a string",
        "x is not a known field",
    ]


async def test_a_user_redeems_once_ever_even_when_the_coupons_are_deleted_and_made_again(api: Api) -> None:
    first, second, redeemer = await api.coupon(), await api.coupon(), await api.coupon()
    body = {"redeemerTwitterId": redeemer["twitterId"], "couponCode": first["couponCode"]}
    assert (await api.http.post("/api/redeem", json=body)).status_code == 200
    refusal = (403, "You have already redeemed a coupon before. Each user can only redeem one coupon.")
    body["couponCode"] = second["couponCode"]
    assert await refuse_redemption(api, body) == refusal
    for owner in (first, redeemer):
        shown = (await api.http.get("/api/coupon", params={"twitterId": owner["twitterId"]})).json()["data"]
        await api.http.delete(f"/admin/coupon/{shown['_id']}", headers=ADMIN)
    again = await api.coupon(twitterId=redeemer["twitterId"])
    assert await refuse_redemption(api, body) == refusal
    shown = (await api.http.get("/api/coupon", params={"twitterId": again["twitterId"]})).json()["data"]
    assert (shown["points"], shown["timesUsed"]) == (0, 0)


async def test_an_inactive_coupon_is_an_invalid_code(api: Api) -> None:
    creator = await api.coupon()
    shown = (await api.http.get("/api/coupon", params={"twitterId": creator["twitterId"]})).json()["data"]
    mutation = "mutation($id: ID!) { setCouponActive(input: {id: $id, active: false}) { __typename } }"
    await api.data(mutation, {"id": shown["_id"]}, ADMIN)
    body = {"redeemerTwitterId": unique("t"), "couponCode": creator["couponCode"]}
    assert await refuse_redemption(api, body) == (404, "Invalid coupon code")


@pytest.mark.parametrize("prefix", ["/admin", "/api/admin"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/coupons"),
        ("GET", "/stats"),
        ("DELETE", f"/coupon/{NEVER_MADE}"),
        ("GET", "/nothing"),
        ("POST", "/stats"),
    ],
)
async def test_admin_paths_judge_who_calls_first(api: Api, prefix: str, method: str, path: str) -> None:
    missing = await api.http.request(method, prefix + path)
    assert (missing.status_code, missing.json()["message"]) == (401, "Authentication required")
    wrong = await api.http.request(method, prefix + path, headers={"x-admin-key": "wrong"})
    assert (wrong.status_code, wrong.json()["message"]) == (403, "Invalid authentication credentials")
    user = await api.http.request(method, prefix + path, headers=bearer("someone", "default"))
    assert user.status_code == 403
    by_query = await api.http.request(method, f"{prefix}{path}?adminKey={ADMIN_KEY}")
    assert by_query.status_code not in (401, 403)
    header_wins = await api.http.request(method, f"{prefix}{path}?adminKey={ADMIN_KEY}", headers={"x-admin-key": "no"})
    assert header_wins.status_code == 403
    admin = await api.http.request(method, prefix + path, headers=bearer("boss", "admin"))
    assert admin.status_code == by_query.status_code


async def test_the_admin_list_shows_the_documented_fields_and_pages(api: Api) -> None:
    names = [unique("listed") for _ in range(5)]
    for name in names:
        await api.coupon(username=name, followers=7_654_321)
    params: dict[str, str | int] = {
        "limit": 2,
        "page": 1,
        "minFollowers": 7_654_321,
        "username": "LISTED",
        "role": "user",
    }
    answer = await api.http.get("/admin/coupons", params=params, headers=ADMIN)
    assert answer.status_code == 200
    data = answer.json()["data"]
    assert data["pagination"] == {"total": 5, "page": 1, "pages": 3, "limit": 2}
    assert list(data["coupons"][0]) == [
        "_id",
        "couponCode",
        "twitterId",
        "username",
        "followers",
        "points",
        "timesUsed",
        "role",
        "active",
        "createdAt",
        "updatedAt",
    ]
    seen = []
    for page in (1, 2, 3, 4):
        answer = await api.http.get("/admin/coupons", params=params | {"page": page}, headers=ADMIN)
        seen += [coupon["username"] for coupon in answer.json()["data"]["coupons"]]
    assert seen == names[::-1]


@pytest.mark.parametrize(
    ("part", "found"),
    [("a.b", 1), ("A.B", 1), (".*", 0), ("b", 1), ("xx", 0), ("c[d", 1), ("$^", 1), ("żółw", 1), ("ŻÓŁ", 1)],
)
async def test_a_username_matches_literally_anywhere_ignoring_case(api: Api, part: str, found: int) -> None:
    marker = unique("2147")
    followers = 1_000_000 + int(marker[-4:]) + 2_000_000
    await api.coupon(username="1a.B2c[d$^Żółw", followers=followers)
    params: dict[str, str | int] = {"username": part, "minFollowers": followers}
    answer = await api.http.get("/admin/coupons", params=params, headers=ADMIN)
    assert answer.json()["data"]["pagination"]["total"] >= found
    matching = [c for c in answer.json()["data"]["coupons"] if c["followers"] == followers]
    assert len(matching) == found


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ("page=0", ["page must be at least 1"]),
        ("limit=101", ["limit must be at most 100"]),
        ("limit=0&page=x", ["limit must be at least 1", "page must be a whole number"]),
        ("page=1&page=2", ["page must be given once"]),
        ("role=admin&minFollowers=-1", ["minFollowers must be at least 0", "role must be creator or user"]),
        ("page=1.0", ["page must be a whole number"]),
    ],
)
async def test_bad_parameters_of_the_list_are_all_named(api: Api, query: str, errors: list[str]) -> None:
    answer = await api.http.get(f"/admin/coupons?{query}&unknown=ignored", headers=ADMIN)
    assert answer.status_code == 400
    assert sorted(answer.json()["errors"]) == errors


async def test_statistics_count_what_exists(own_api: Api) -> None:
    empty = (await own_api.http.get("/admin/stats", headers=ADMIN)).json()
    assert empty == {
        "status": "success",
        "data": {
            "totalCoupons": 0,
            "roleDistribution": {"creators": 0, "users": 0},
            "totalRedeemed": 0,
            "mostUsedCoupon": None,
        },
    }
    creator, other = await own_api.coupon(role="creator"), await own_api.coupon()
    for _ in range(2):
        body = {
            "redeemerTwitterId": unique("t"),
            "username": "n",
            "followers": 1000,
            "couponCode": creator["couponCode"],
        }
        assert (await own_api.http.post("/api/redeem", json=body)).status_code == 200
    expected = {
        "totalCoupons": 4,
        "roleDistribution": {"creators": 3, "users": 1},
        "totalRedeemed": 2,
        "mostUsedCoupon": {
            "couponCode": creator["couponCode"],
            "username": creator["username"],
            "twitterId": creator["twitterId"],
            "timesUsed": 2,
            "points": 20,
        },
    }
    assert (await own_api.http.get("/api/admin/stats", headers=ADMIN)).json()["data"] == expected
    for owner in (creator, other):
        shown = (await own_api.http.get("/api/coupon", params={"twitterId": owner["twitterId"]})).json()["data"]
        gone = await own_api.http.delete(f"/admin/coupon/{shown['_id']}", headers=ADMIN)
        assert gone.json() == {"status": "success", "message": "Coupon deleted successfully"}
    left = (await own_api.http.get("/admin/stats", headers=ADMIN)).json()["data"]
    assert (left["totalCoupons"], left["totalRedeemed"], left["mostUsedCoupon"]) == (2, 0, None)


@pytest.mark.parametrize(
    ("identifier", "status", "message"),
    [
        (NEVER_MADE, 404, "Coupon not found"),
        ("not-an-id", 400, "couponId must be a valid ObjectId"),
        ("%20", 400, "couponId is required"),
        ("", 404, "Not found"),
    ],
)
async def test_deleting_names_what_is_wrong_with_the_id(api: Api, identifier: str, status: int, message: str) -> None:
    answer = await api.http.delete(f"/admin/coupon/{identifier}", headers=ADMIN)
    assert (answer.status_code, answer.json()["message"]) == (status, message)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/api/coupon", {"GET", "HEAD", "POST"}),
        ("GET", "/api/redeem", {"POST"}),
        ("POST", "/health", {"GET", "HEAD"}),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(api: Api, method: str, path: str, allowed: set[str]) -> None:
    answer = await api.http.request(method, path)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == allowed
    assert answer.json() == {"status": "error", "message": "Method not allowed", "code": "METHOD_NOT_ALLOWED"}


@pytest.mark.parametrize("path", ["/api", "/api/nothing", "/api/coupon/", "/nothing/at/all"])
async def test_an_unknown_path_is_answered_in_json(api: Api, path: str) -> None:
    answer = await api.http.get(path)
    assert answer.status_code == 404
    assert answer.json() == {"status": "error", "message": "Not found", "code": "NOT_FOUND"}


async def test_health_answers_as_documented(api: Api) -> None:
    answer = await api.http.get("/health")
    assert answer.json()["message"] == "Server is running"
    assert INSTANT.fullmatch(answer.json()["timestamp"])
    assert (await api.http.get("/readyz")).status_code == 200
    assert (await api.http.get("/livez")).status_code == 200
