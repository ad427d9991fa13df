"""The examples that sign tokens: what they sign is taken, and whom they do not know gets nothing."""

import asyncio
import sys
from pathlib import Path

import httpx

from tests.e2e.browser.shop import issuer
from tests.support.api import JWT_SECRET, Api, running_api, settings_for
from tests.support.orders import make_order
from tests.support.processes import ROOT, environment
from tests.support.workers import workers

PAGE = "http://127.0.0.1:5173"


async def test_a_session_gets_tokens_that_hold_until_it_ends(api: Api, tmp_path: Path) -> None:
    async with issuer(PAGE, 60, tmp_path / "issuer.log") as address, httpx.AsyncClient(base_url=address) as http:
        headers = {"origin": PAGE}
        assert (await http.post("/token", headers=headers)).status_code == 401
        made = await http.post("/session", json={"userId": " ada "}, headers=headers)
        assert made.headers["access-control-allow-origin"] == PAGE
        assert "HttpOnly; SameSite=Lax" in made.headers["set-cookie"]
        again = await http.post("/token", headers=headers)
        for answer in (made, again):
            token = answer.json()["token"]
            viewer = await api.data("{ viewer { userId userTypes } }", headers={"authorization": f"Bearer {token}"})
            assert viewer["viewer"] == {"userId": "ada", "userTypes": ["default"]}
            assert answer.json()["expiresIn"] == 60
        assert (await http.delete("/session", headers=headers)).status_code == 200
        assert (await http.post("/token", headers=headers)).status_code == 401


async def test_what_is_malformed_or_of_another_page_is_refused(tmp_path: Path) -> None:
    async with issuer(PAGE, 60, tmp_path / "issuer.log") as address, httpx.AsyncClient(base_url=address) as http:
        for status, headers, content in (
            (403, {"origin": "https://evil.example", "content-type": "application/json"}, b'{"userId": "ada"}'),
            (415, {"content-type": "text/plain"}, b'{"userId": "ada"}'),
            (400, {"content-type": "application/json"}, b'{"userId": 5}'),
            (400, {"content-type": "application/json"}, b"nonsense"),
            (413, {"content-type": "application/json"}, b'"' + b"x" * 20_000),
        ):
            answer = await http.post("/session", content=content, headers=headers)
            assert (answer.status_code, "set-cookie" in answer.headers) == (status, False)
        assert (await http.get("/session")).status_code == 404


async def python_client(url: str, *words: str) -> tuple[int | None, str, str]:
    """`examples/python-client` as a user runs it: how it ended, and what it said."""
    program = ROOT / "examples" / "python-client" / "tessera_client.py"
    given = environment(TESSERA_URL=url, JWT_SEC=JWT_SECRET)
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(program), *words, env=given, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, complaint = await asyncio.wait_for(process.communicate(), 120)
    return process.returncode, output.decode(), complaint.decode()


async def test_the_python_client_redeems_reads_and_is_refused(database_uri: str) -> None:
    async with running_api(settings_for(database_uri)) as api:
        friend = await api.coupon()
        for total in (10, 20):
            await make_order(api.services, userId="python", totalPrice=total)
    async with workers(database_uri, 1) as (worker,):
        url = f"http://127.0.0.1:{worker.port}"
        code = friend["couponCode"]
        done, new, unknown, orders, wrong = await asyncio.gather(
            python_client(url, "redeem", code, "python-1", "bob", "5000"),
            python_client(url, "redeem", code, "python-2"),
            python_client(url, "redeem", "ZZZZ-ZZZZ", "python-3"),
            python_client(url, "orders", "python"),
            python_client(url, "nonsense"),
        )
    assert done == (0, "10 points, 10 for the other side\n", "")
    refusal = "NEW_USER_FIELDS_REQUIRED: Username and followers count are required for new users\n"
    assert new == (1, "", refusal)
    assert unknown == (1, "", "INVALID_COUPON_CODE: Invalid coupon code\n")
    assert [line.split()[1:] for line in orders[1].splitlines()] == [["20.00", "PENDING"], ["10.00", "PENDING"]]
    assert wrong[0] == 2
