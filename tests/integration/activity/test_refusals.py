"""Every refused redemption, use and refund has a row that is found by the user's name, written behind the answer."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from devtools.embedded import EmbeddedMongod
from models.principal import SYSTEM
from models.usage.commands import RedeemUsage
from services.kit.activity import refusals as gathering
from tests.integration.access_codes.support import make_code
from tests.integration.activity.support import refusals_of, rows_of
from tests.support.api import Api, bearer, running_api, settings_for, unique
from tests.support.eventually import eventually
from tests.support.orders import make_order
from tests.support.uris import with_database
from tests.support.usage import follow, new_id, post


async def test_a_refused_redemption_of_a_coupon_is_found_by_every_name_of_the_user(api: Api) -> None:
    creator, redeemer = await api.coupon(role="creator"), await api.coupon(role="user")
    body = {"redeemerTwitterId": redeemer["twitterId"], "couponCode": creator["couponCode"]}
    answer = await api.http.post("/api/redeem", json=body, headers={"x-request-id": "r-1"})
    assert answer.json()["code"] == "ROLE_MISMATCH"
    (coupon,) = await api.services.database.coupons.find({"couponCode": creator["couponCode"]}).to_list(None)
    for name in (redeemer["twitterId"], redeemer["username"]):
        (row,) = await refusals_of(api.services, subjectKeys=name)
        assert (row["verb"], row["outcome"], row["code"]) == ("REDEEM_COUPON", "REFUSED", "ROLE_MISMATCH")
        assert (row["message"], row["requestId"]) == (answer.json()["message"], "r-1")
        assert (row["by"], row["transport"]) == ({"name": "anonymous", "kind": "ANONYMOUS"}, "REST")
        assert row["objects"] == [{"type": "Coupon", "_id": str(coupon["_id"])}]
        assert (row["expiresAt"] - row["at"]).days == 90


@pytest.mark.parametrize("by_rest", [True, False], ids=["rest", "graphql"])
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"couponCode": "NONE-SUCH"}, "INVALID_COUPON_CODE"),
        ({"couponCode": None}, "REDEMPTION_FIELDS_REQUIRED"),
        ({"followers": None}, "NEW_USER_FIELDS_REQUIRED"),
        ({"followers": 10}, "TOO_FEW_FOLLOWERS"),
        ({"couponCode": "x" * 300}, "BAD_USER_INPUT"),
    ],
)
async def test_each_reason_is_told_by_both_transports(
    api: Api, change: dict[str, Any], code: str, *, by_rest: bool
) -> None:
    creator, twitter_id, username = await api.coupon(), unique("t"), unique("name")
    body = {"redeemerTwitterId": twitter_id, "couponCode": creator["couponCode"], "username": username}
    body |= {"followers": 2_000} | change
    if by_rest:
        answer = await api.http.post("/api/redeem", json=body)
        assert answer.json()["code"] == code
    else:
        mutation = "mutation ($input: RedeemCouponInput!) { redeemCoupon(input: $input) { ... on Problem { code } } }"
        body["couponCode"] = body["couponCode"] or " "
        data = await api.data(mutation, {"input": body})
        assert data["redeemCoupon"]["code"] == code
    for name in (twitter_id, username):
        (row,) = await refusals_of(api.services, subjectKeys=name)
        assert (row["code"], row["transport"]) == (code, "REST" if by_rest else "GRAPHQL")


async def test_a_refused_use_of_an_access_code_is_found_by_username_and_twitter_id(api: Api) -> None:
    code, username, twitter_id = await make_code(api, maxUses=2), unique("Ada"), unique("t")
    body = {"code": code, "username": username, "twitterId": twitter_id}
    assert (await api.http.post("/api/access-code/redeem", json=body)).status_code == 200
    assert (await api.http.post("/api/access-code/redeem", json=body)).json()["code"] == "ACCESS_CODE_ALREADY_USED"
    for key in (username.lower(), twitter_id):
        (row,) = await refusals_of(api.services, subjectKeys=key)
        assert (row["verb"], row["code"]) == ("REDEEM_ACCESS_CODE", "ACCESS_CODE_ALREADY_USED")
        assert row["subjects"] == [username, twitter_id]
        assert row["objects"][0]["type"] == "AccessCode"


async def test_refused_uses_and_refunds_are_found_by_user_id(api: Api) -> None:
    user, campaign = unique("user"), await follow(api, maxTotalLimit=1)
    body = {"userId": user, "campaignId": campaign, "usageAmount": 2}
    for path in ("add-usage", "redeem-follower"):
        assert (await post(api, path, body, bearer(user))).json()["code"] == "USAGE_LIMIT_REACHED"
    assert (await post(api, "add-usage", body, bearer("stranger"))).status_code == 403
    assert (await post(api, "remove-usage", body | {"usageAmount": 0}, bearer(user))).status_code == 400
    assert (await post(api, "check-availability", body | {"campaignId": new_id()}, bearer(user))).status_code == 404
    told = {(row["verb"], row["code"], row["by"]["name"]) for row in await refusals_of(api.services, 5, subjects=user)}
    assert told == {
        ("ADD_USAGE", "USAGE_LIMIT_REACHED", user),
        ("REDEEM_USAGE", "USAGE_LIMIT_REACHED", user),
        ("ADD_USAGE", "FORBIDDEN", "stranger"),
        ("REMOVE_USAGE", "BAD_USER_INPUT", user),
        ("CHECK_USAGE", "USAGE_FOLLOWER_NOT_FOUND", user),
    }
    order = await make_order(api.services)
    path = f"/api/order/refundOrder/{order.id}"
    for who in (order.user_id, "stranger", order.user_id):
        await api.http.post(path, headers=bearer(who))
    rows = await refusals_of(api.services, 2, subjects=order.user_id)
    assert {(row["code"], row["by"]["name"]) for row in rows} == {
        ("FORBIDDEN", "stranger"),
        ("ORDER_ALREADY_REFUNDED", order.user_id),
    }


async def test_a_refused_event_has_its_row_in_the_transaction_of_its_batch(api: Api) -> None:
    user = unique("user")
    await follow(api, couponId=(coupon := new_id()), maxTotalLimit=1)
    too_much = RedeemUsage(user_id=user, coupon_id=coupon, usage_amount=2).commit(SYSTEM.name)
    await api.services.database.transaction(lambda session: api.services.usage.carry_out(session, [too_much]))
    (row,) = await rows_of(api.services, subjects=user)
    assert (row["outcome"], row["transport"], row["code"]) == ("REFUSED", "KAFKA", "USAGE_LIMIT_REACHED")


async def test_a_flood_from_one_address_is_cut_off_but_that_of_an_admin_is_none(
    own_api: Api,
) -> None:
    log = own_api.services.activity_log
    body = {"code": "NONE99", "username": "flood"}
    for _ in range(0, 250, 50):
        await asyncio.gather(*(own_api.http.post("/api/access-code/redeem", json=body) for _ in range(50)))
    await refusals_of(own_api.services, gathering.FROM_ONE_ADDRESS)
    assert (log.capped, log.dropped) == (250 - gathering.FROM_ONE_ADDRESS, 0)
    unknown = {"userId": "u", "campaignId": new_id()}
    await asyncio.gather(*(post(own_api, "add-usage", unknown) for _ in range(150)))
    await refusals_of(own_api.services, 150, subjects="u")
    rows = await rows_of(own_api.services)
    assert len(rows) == gathering.FROM_ONE_ADDRESS + 150
    assert "127.0.0.1" not in str(rows)


async def test_a_refusal_that_is_answered_again_under_its_key_is_told_once(own_api: Api) -> None:
    body, headers = {"code": "NONE99", "username": "again"}, {"idempotency-key": unique("key")}
    for _ in range(3):
        answer = await own_api.http.post("/api/access-code/redeem", json=body, headers=headers)
        assert answer.json()["code"] == "INVALID_ACCESS_CODE"
    await eventually(lambda: not own_api.services.activity_log.waiting, within=10)
    assert len(await rows_of(own_api.services, subjects="again")) == 1


async def test_rows_of_refusals_live_as_long_as_the_settings_say(database_uri: str) -> None:
    async with running_api(settings_for(database_uri, activity_days=7)) as api:
        await api.http.post("/api/access-code/redeem", json={"code": "NONE99", "username": "short"})
        (row,) = await refusals_of(api.services, subjects="short")
        indexes = await api.services.database.activity.index_information()
    assert (row["expiresAt"] - row["at"]).days == 7
    assert indexes["expiresAt"]["expireAfterSeconds"] == 0


async def test_what_is_gathered_is_written_at_shutdown(database_uri: str) -> None:
    async with running_api(settings_for(database_uri)) as api:
        await api.http.post("/api/access-code/redeem", json={"code": "NONE99", "username": "last"})
    async with running_api(settings_for(database_uri)) as api:
        assert len(await rows_of(api.services, subjects="last")) == 1


async def test_while_mongodb_is_away_rows_wait_within_bounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(gathering, "MOST_WAITING", 3)
    mongod = await asyncio.to_thread(EmbeddedMongod(tmp_path).start)
    try:
        async with running_api(settings_for(with_database(mongod.uri, "away"), rate_limit="off")) as api:
            log = api.services.activity_log
            await asyncio.to_thread(mongod.stop)
            missing = {"redeemerTwitterId": "t1"}
            for _ in range(5):
                assert (await api.http.post("/api/redeem", json=missing)).status_code == 400
            assert log.dropped == 2
            assert "1 while MongoDB was away" in caplog.text  # And no more within a minute.
            await asyncio.to_thread(mongod.start)

            async def written() -> bool:
                return len(await rows_of(api.services)) == 3

            await eventually(written, within=20)
            assert log.dropped == 2
    finally:
        await asyncio.to_thread(mongod.stop)
