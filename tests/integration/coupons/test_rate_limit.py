"""The rate limit: one count for each client address over every public operation, whichever door and worker."""

import asyncio

import pytest
from starlette.requests import HTTPConnection

from models.errors import RateLimited
from models.principal import SYSTEM, Principal
from server.authentication import client_address
from services.kit.rate_limit import REMEMBERED_SECONDS
from tests.support.api import ADMIN, Api, running_api, settings_for

ONE = '{ coupon(twitterId: "nobody") { id } }'


async def test_every_limited_answer_tells_the_count(database_uri: str) -> None:
    async with running_api(settings_for(database_uri, rate_limit="5/15minutes")) as api:
        first = await api.http.get("/api/coupon", params={"twitterId": "nobody"})
        assert first.headers["ratelimit-limit"] == "5"
        assert first.headers["ratelimit-remaining"] == "4"
        assert 899 <= int(first.headers["ratelimit-reset"]) <= 900
        assert first.headers["ratelimit-policy"] == "5;w=900"
        malformed = await api.http.post("/api/redeem", content=b"{")
        assert malformed.headers["ratelimit-remaining"] == "3"
        by_graphql = await api.http.post("/graphql", json={"query": ONE})
        assert by_graphql.headers["ratelimit-remaining"] == "2"
        refused = await api.http.post("/graphql", json={"query": "{ nothing }"})
        assert "ratelimit-remaining" not in refused.headers
        aliases = " ".join(f'{alias}: coupon(twitterId: "{alias}") {{ id }}' for alias in "abc")
        aliased = await api.graphql(f"{{ {aliases} }}")
        codes = [error["extensions"]["code"] for error in aliased["errors"]]
        assert codes == ["RATE_LIMITED"]
        over = await api.http.get("/api/coupon", params={"twitterId": "nobody"})
        assert over.status_code == 429
        assert over.json()["status"] == "error"
        assert over.json()["message"] == "Too many requests from this IP, please try again later"
        assert over.json()["code"] == "RATE_LIMITED"
        assert 0 < int(over.headers["retry-after"]) <= 900
        assert over.headers["ratelimit-remaining"] == "0"
        mutation = """
            mutation {
              createCoupon(input: {twitterId: "1", username: "1", followers: 1000}) {
                ... on Problem { code } ... on RateLimited { retryAfter }
              }
            }
        """
        problem = (await api.data(mutation))["createCoupon"]
        assert problem["code"] == "RATE_LIMITED"
        assert 0 < problem["retryAfter"] <= 900
        for path in ("/admin/stats", "/health"):
            assert (await api.http.get(path, headers=ADMIN)).status_code == 200


async def test_path_and_query_parameters_share_one_count(database_uri: str) -> None:
    async with running_api(settings_for(database_uri, rate_limit="10/hour")) as api:
        answers = [await api.http.get("/api/coupon", params={"twitterId": str(n)}) for n in range(12)]
        assert [answer.status_code for answer in answers] == [404] * 10 + [429] * 2


async def test_two_workers_share_one_exact_count(database_uri: str) -> None:
    settings = settings_for(database_uri, rate_limit="100/15minutes")
    async with running_api(settings) as one, running_api(settings) as two:
        for address in ("10.0.0.1", "10.0.0.2"):
            caller = Principal(address)
            tries = (api.services.rate_limit.hit(caller) for _ in range(90) for api in (one, two))
            results = await asyncio.gather(*tries, return_exceptions=True)
            allowed = [result for result in results if not isinstance(result, BaseException)]
            assert sorted(permit.stats.remaining for permit in allowed) == list(range(100))
            refused = [result for result in results if isinstance(result, BaseException)]
            assert len(refused) == 80
            assert all(isinstance(result, RateLimited) for result in refused)


async def test_many_addresses_at_once_are_counted_apart(own_api: Api) -> None:
    counted = await asyncio.gather(
        *(own_api.services.rate_limit.hit(Principal(f"10.1.0.{n % 50}")) for n in range(500))
    )
    limit = counted[0].stats.amount
    assert sorted(permit.stats.remaining for permit in counted) == sorted(
        limit - n for n in range(1, 11) for _ in range(50)
    )


async def test_a_flood_from_a_refused_address_hardly_reaches_the_database(database_uri: str) -> None:
    async with running_api(settings_for(database_uri, rate_limit="2/15minutes")) as api:
        for _ in range(50):
            answer = await api.http.get("/api/coupon", params={"twitterId": "nobody"})
        assert answer.status_code == 429
        assert 899 <= int(answer.headers["ratelimit-reset"]) <= 900
        [row] = await api.services.database.rate_limits.find().to_list(None)
        assert row["count"] < 10
        await api.services.database.rate_limits.delete_many({})
        await asyncio.sleep(REMEMBERED_SECONDS + 0.1)
        assert (await api.http.get("/api/coupon", params={"twitterId": "nobody"})).status_code == 404


async def test_reads_that_arrive_together_are_counted_before_they_are_answered(database_uri: str) -> None:
    async with running_api(settings_for(database_uri, rate_limit="20/15minutes")) as api:
        asked = (api.http.get("/api/coupon", params={"twitterId": "nobody"}) for _ in range(60))
        answers = await asyncio.gather(*asked)
        assert sorted(answer.status_code for answer in answers) == [404] * 20 + [429] * 40
        left = sorted(int(answer.headers["ratelimit-remaining"]) for answer in answers)
        assert left == [0] * 40 + list(range(20))


async def test_changes_that_arrive_together_are_counted_before_they_are_made(database_uri: str) -> None:
    async with running_api(settings_for(database_uri, rate_limit="20/15minutes")) as api:
        bodies = [{"twitterId": f"together-{n}", "username": f"u{n}", "followers": 5_000} for n in range(60)]
        answers = await asyncio.gather(*(api.http.post("/api/coupon", json=body) for body in bodies))
        assert sorted(answer.status_code for answer in answers) == [201] * 20 + [429] * 40
        made = {coupon["twitterId"] async for coupon in api.services.database.coupons.find()}
        assert made == {b["twitterId"] for b, answer in zip(bodies, answers, strict=True) if answer.status_code == 201}
        assert (await api.services.coupons.stats(SYSTEM)).total_coupons == 20


async def test_one_change_too_many_is_refused_before_anything_else_is_said_of_it(database_uri: str) -> None:
    async with running_api(settings_for(database_uri, rate_limit="1/15minutes")) as api:
        body = {"twitterId": "one", "username": "one", "followers": 5_000}
        assert (await api.http.post("/api/coupon", json=body)).status_code == 201
        # It would be a conflict.
        assert (await api.http.post("/api/coupon", json=body)).status_code == 429
        await asyncio.sleep(REMEMBERED_SECONDS)
        result = await api.data(
            """mutation ($input: CreateCouponInput!) { result: createCoupon(input: $input) {
                ... on Problem { __typename code } } }""",
            {"input": {"twitterId": "one", "username": "one", "followers": 5_000}},
        )
        assert result["result"] == {"__typename": "RateLimited", "code": "RATE_LIMITED"}


async def test_a_window_ends_and_a_new_one_begins(database_uri: str) -> None:
    async with running_api(settings_for(database_uri, rate_limit="2/1second")) as api:
        caller = Principal("10.0.0.3")
        for _ in range(2):
            await api.services.rate_limit.hit(caller)
        with pytest.raises(RateLimited):
            await api.services.rate_limit.hit(caller)
        await asyncio.sleep(1.1)
        assert (await api.services.rate_limit.hit(caller)).stats.remaining == 1


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
    ],
)
def test_an_address_is_counted_by_host_or_by_its_network(host: str, key: str) -> None:
    scope = {"type": "http", "client": (host, 1), "headers": [(b"x-forwarded-for", b"203.0.113.9")]}
    assert client_address(HTTPConnection(scope)) == key


async def test_the_limit_can_be_switched_off(database_uri: str) -> None:
    async with running_api(settings_for(database_uri, rate_limit="off")) as api:
        answer = await api.http.get("/api/coupon", params={"twitterId": "nobody"})
        assert answer.status_code == 404
        assert not [name for name in answer.headers if name.startswith("ratelimit")]
