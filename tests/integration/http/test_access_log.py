"""The lines of requests: who, what, with which outcome, and where the time of slow ones went."""

import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from server.access_log import LONGEST_NAME, Pseudonyms
from tests.support.api import ADMIN, ADMIN_KEY, Api, bearer, running_api, settings_for, unique

TRACE = "0af7651916cd43dd8448eb211c80319c"
CREATE = "mutation {} ($i: CreateCouponInput!) {{ createCoupon(input: $i) {{ __typename }} }}"


class Lines(logging.Handler):
    """The lines of the access log, as dictionaries."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append(vars(record))

    def last(self, message: str = "request") -> dict[str, Any]:
        """The last line of this message."""
        return [line for line in self.told if line["msg"] == message][-1]


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler, log = Lines(), logging.getLogger("tessera.access")
    before = log.level
    log.addHandler(handler)
    log.setLevel("INFO")
    yield handler
    log.setLevel(before)
    log.removeHandler(handler)


@pytest.fixture
async def slow_api(database_uri: str) -> AsyncIterator[Api]:
    """An application that finds every request slow."""
    async with running_api(settings_for(database_uri, slow_request=1)) as api:
        yield api


def new(twitter_id: str) -> dict[str, Any]:
    return {"i": {"twitterId": twitter_id, "username": "ada", "followers": 1500}}


async def test_a_line_names_operation_user_and_trace_and_why_it_was_refused(api: Api, lines: Lines) -> None:
    user, twitter_id = unique("user"), unique("t")
    headers = bearer(user) | {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    await api.graphql(CREATE.format("Make"), new(twitter_id), headers)
    done = lines.last()
    assert (done["operation"], done["user"]) == ("Make", Pseudonyms(ADMIN_KEY).of(user))
    assert (done["trace_id"], done["status"], done["path"]) == (TRACE, 200, "/graphql")
    assert "code" not in done
    assert user not in str(done)
    await api.graphql(CREATE.format("Again"), new(twitter_id), headers)
    assert (lines.last()["operation"], lines.last()["code"]) == ("Again", "COUPON_ALREADY_EXISTS")
    await api.graphql("{ nothing }")
    assert lines.last()["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert "operation" not in lines.last()
    await api.http.post("/graphql", content=b"{", headers={"content-type": "application/json"})
    assert lines.last()["code"] == "BAD_USER_INPUT"


async def test_a_name_of_an_operation_brings_nothing_secret_and_nothing_long(api: Api, lines: Lines) -> None:
    await api.graphql(CREATE.format("Card4111111111110042"), new(unique("t")))
    assert "4111111111110042" not in str(lines.last())
    await api.graphql(CREATE.format("A" * 500), new(unique("t")))
    assert lines.last()["operation"] == "A" * LONGEST_NAME


async def test_a_line_of_rest_has_the_code_of_its_answer(api: Api, lines: Lines) -> None:
    await api.http.get(f"/api/coupon?twitterId={unique('t')}")
    assert lines.last()["code"] == "COUPON_NOT_FOUND"
    await api.http.get("/admin/stats", headers=ADMIN)
    assert (lines.last()["admin"], "code" in lines.last()) == ("admin", False)
    await api.http.get("/no/such/path", headers={"traceparent": "00-zz-1-01"})
    assert (lines.last()["code"], "trace_id" in lines.last()) == ("NOT_FOUND", False)


async def test_a_slow_request_tells_where_its_time_went(slow_api: Api, lines: Lines) -> None:
    await slow_api.graphql(CREATE.format("Make"), new("1"))
    told = lines.last("slow request")
    assert told["operation"] == "Make"
    assert told["request_id"] == lines.last()["request_id"]
    phases = ["authenticated", "received", "prepared", "waited", "committed", "executed", "answered"]
    assert list(told["phases"]) == phases
    assert sum(told["phases"].values()) == pytest.approx(told["milliseconds"], abs=len(phases))
    await slow_api.http.post("/api/coupon", json=new("1")["i"])
    told = lines.last("slow request")
    assert told["code"] == "COUPON_ALREADY_EXISTS"
    assert list(told["phases"]) == ["received", "waited", "committed", "counted", "answered"]


async def test_nothing_is_slow_below_the_setting(api: Api, lines: Lines) -> None:
    await api.http.get("/livez")
    assert all(line["msg"] != "slow request" for line in lines.told)
