"""The keys of `JWKS_URL`, from a real server: fetched, kept through an outage, fetched again but not too often."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from models.errors import InvalidToken, ServiceUnavailable
from server.fetched_keys import LARGEST, FetchedKeys
from server.token_settings import TokenSettings
from server.token_verifier import TokenVerifier
from tests.support.api import Api, running_api, settings_for
from tests.support.eventually import eventually
from tests.support.signing import ec_key, jwk, publishing, rsa_key, signed_by

FIRST, SECOND = jwk(rsa_key(), "first"), jwk(ec_key(), "second")
BY_FIRST, BY_SECOND = signed_by(rsa_key(), "first"), signed_by(ec_key(), "second")
SECRET = "a-secret-beside-it-of-32-bytes-or-more"


@asynccontextmanager
async def verifying(
    url: str, every: float = 3_600.0, **variables: str
) -> AsyncIterator[tuple[TokenVerifier, FetchedKeys]]:
    keys = FetchedKeys(url, every)
    keys.start()
    try:
        settings = TokenSettings.from_environment({"JWKS_URL": url, **variables})
        yield TokenVerifier(settings, lambda: 0.0, keys), keys
    finally:
        await keys.close()


async def holds(verifier: TokenVerifier, token: str) -> bool:
    try:
        return (await verifier.read(token)).user_id == "ada"
    except InvalidToken:
        return False


async def test_a_published_key_judges_tokens_beside_a_secret_of_ours() -> None:
    with publishing(FIRST) as publisher:
        async with verifying(publisher.url, JWT_SEC=SECRET) as (verifier, _):
            assert await holds(verifier, BY_FIRST)
            assert await holds(verifier, signed_by(SECRET))
            assert not await holds(verifier, signed_by(rsa_key(1), "first"))
            assert not await holds(verifier, signed_by("another-secret-of-thirty-two-bytes!!", "second"))
            assert publisher.asked == 1


async def test_a_new_key_counts_with_its_first_token_however_many_bring_one() -> None:
    with publishing(FIRST) as publisher:
        async with verifying(publisher.url) as (verifier, _):
            assert await holds(verifier, BY_FIRST)
            publisher.keys = [FIRST, SECOND]
            assert all(await asyncio.gather(*(holds(verifier, BY_SECOND) for _ in range(50))))
            assert await holds(verifier, BY_FIRST)
            assert publisher.asked == 2


async def test_a_key_that_is_withdrawn_counts_no_longer() -> None:
    with publishing(FIRST, SECOND) as publisher:
        async with verifying(publisher.url, every=0.1) as (verifier, _):
            assert await holds(verifier, BY_FIRST)
            publisher.keys = [SECOND]
            await eventually(lambda: not_held(verifier, BY_FIRST), within=60)
            assert await holds(verifier, BY_SECOND)


async def not_held(verifier: TokenVerifier, token: str) -> bool:
    return not await holds(verifier, token)


@pytest.mark.parametrize(("broken", "body"), [(500, None), (None, b"x" * (LARGEST + 1))])
async def test_the_last_good_set_survives_an_outage(broken: int | None, body: bytes | None) -> None:
    with publishing(FIRST) as publisher:
        async with verifying(publisher.url, every=0.1) as (verifier, keys):
            assert await holds(verifier, BY_FIRST)
            publisher.broken, publisher.body = broken, body
            await eventually(lambda: asyncio.sleep(0, not keys.is_current), within=60)
            assert await holds(verifier, BY_FIRST)
            # Nobody can say whether this one is good.
            with pytest.raises(ServiceUnavailable):
                await verifier.read(BY_SECOND)
            publisher.broken, publisher.body, publisher.keys = None, None, [SECOND]
            await eventually(lambda: holds(verifier, BY_SECOND), within=60)
            assert not await holds(verifier, BY_FIRST)


async def test_made_up_keys_are_no_flood_of_requests() -> None:
    with publishing(FIRST) as publisher:
        async with verifying(publisher.url) as (verifier, _):
            made_up = [signed_by(rsa_key(1), f"made-up-{number}") for number in range(100)]
            found = await asyncio.gather(*(holds(verifier, token) for token in made_up))
            assert not any(found)
            # One at the start, and each token waited for two more at most.
            assert publisher.asked <= 1 + 3
            before = publisher.asked
            assert not any([await holds(verifier, token) for token in made_up])
            assert publisher.asked <= before + 2
            assert await holds(verifier, BY_FIRST)


async def test_the_application_is_ready_once_the_keys_have_come(database_uri: str) -> None:
    with publishing(FIRST) as publisher:
        publisher.broken = 503
        settings = settings_for(database_uri, jwt_secret=None, jwks_url=publisher.url)
        async with running_api(settings) as api:
            answer = await api.http.get("/readyz")
            assert (answer.status_code, answer.json()["code"]) == (503, "SERVICE_UNAVAILABLE")
            assert (await api.http.get("/livez")).status_code == 200
            assert await code_for(api, BY_FIRST) == "SERVICE_UNAVAILABLE"
            publisher.broken = None
            await eventually(lambda: is_ready(api), within=60)
            assert await code_for(api, BY_FIRST) == "ada"
            assert await code_for(api, signed_by(rsa_key(1), "first")) == "FORBIDDEN"


async def is_ready(api: Api) -> bool:
    return (await api.http.get("/readyz")).status_code == 200


async def code_for(api: Api, token: str) -> str:
    """Who a token names, or the code of why it names nobody."""
    answer = await api.graphql("{ viewer { userId } }", headers={"authorization": f"Bearer {token}"})
    return str(answer["errors"][0]["extensions"]["code"] if "errors" in answer else answer["data"]["viewer"]["userId"])
