"""Guessing codes is limited: every path parameter, every aliased field and every mutation is one hit."""

import pytest

from tests.support.api import running_api, settings_for

PUBLIC = [
    ("GET", "/api/access-code/validate/GUESS{}", None),
    ("GET", "/api/access-code/user/user{}", None),
    ("POST", "/api/access-code/redeem", {"code": "GUESS{}", "username": "a"}),
    ("POST", "/api/access-code/redeem", {}),
]


@pytest.mark.parametrize(("method", "path", "body"), PUBLIC)
async def test_each_value_of_a_parameter_is_one_attempt_of_the_same_count(
    database_uri: str, method: str, path: str, body: dict[str, str] | None
) -> None:
    async with running_api(settings_for(database_uri, rate_limit="5/15minutes")) as api:
        statuses = []
        for n in range(7):
            filled = body and {name: text.format(n) for name, text in body.items()}
            answer = await api.http.request(method, path.format(n), json=filled)
            assert answer.headers["ratelimit-remaining"] == str(max(0, 4 - n))
            statuses.append(answer.status_code)
        assert 429 not in statuses[:5]
        assert statuses[5:] == [429, 429]
        assert answer.json()["code"] == "RATE_LIMITED"


async def test_each_aliased_field_is_one_attempt(database_uri: str) -> None:
    async with running_api(settings_for(database_uri, rate_limit="5/15minutes")) as api:
        fields = " ".join(f'a{n}: accessCodeValidity(code: "GUESS{n}") {{ valid }}' for n in range(4))
        assert set(await api.data(f"{{ {fields} }}")) == {"a0", "a1", "a2", "a3"}
        redeem = 'redeemAccessCode(input: {code: "GUESS1", username: "a"}) { ... on Problem { code } }'
        answers = await api.data(f"mutation {{ one: {redeem} two: {redeem} }}")
        assert [answers[alias]["code"] for alias in ("one", "two")] == ["INVALID_ACCESS_CODE", "RATE_LIMITED"]
        body = await api.graphql('{ accessCodeRedemptions(username: "a") { hasRedeemedAccessCode } }')
        assert body["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
