"""What is never written: a key, and its hash, in any log of any process; and what the access log does say."""

import json
from pathlib import Path

import httpx

from devtools.embedded.ports import free_ports
from models.admin_keys.admin_key import hash_of
from models.values.ids import global_id
from tests.integration.admin_keys.support import CREATE, REVOKE, VIEWER, shown
from tests.support.api import ADMIN, ADMIN_KEY, bearer
from tests.support.serving import serving
from tests.support.talk import talk


async def test_no_log_holds_a_key_and_each_line_names_the_admin(database_uri: str, tmp_path: Path) -> None:
    [port] = free_ports(1)
    log = tmp_path / "serve.log"
    with serving(log, database_uri, [port], LOG_LEVEL="debug"):
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
            body = {"query": CREATE, "variables": {"input": {"name": "ci", "role": "VIEWER"}}}
            made = (await http.post("/graphql", json=body, headers=ADMIN)).json()["data"]["result"]
            key, key_id = made["key"], made["adminKey"]["databaseId"]
            for headers in (shown(key), shown(key[:-1]), bearer("grace", "admin"), {}):
                await http.post("/graphql", json={"query": VIEWER}, headers=headers)
                await http.get("/admin/stats", headers=headers)
            await http.get("/admin/stats", params={"adminKey": key})
            await http.post("/admin/access-code", params={"adminKey": key}, json={"maxUses": key})
            await http.post("/graphql", json={"query": f'{{ coupon(couponCode: "{key}") {{ nothing }} }}'})
            async with talk(f"127.0.0.1:{port}") as one:
                await one.begin(**shown(key))
                await one.ask(VIEWER)
            body = {"query": REVOKE, "variables": {"input": {"id": global_id("AdminKey", key_id)}}}
            await http.post("/graphql", json=body, headers=ADMIN)
            await http.post("/graphql", json={"query": VIEWER}, headers=shown(key))
    text = log.read_text()
    for secret in (key, key[4:], hash_of(key), ADMIN_KEY):
        assert secret not in text
    logged = [json.loads(line) for line in text.splitlines() if '"message": ' in line]
    lines = [line for line in logged if line["message"] == "request"]
    named = [(line["method"], line["path"], line.get("admin")) for line in lines if line["path"] != "/readyz"]
    assert named == [
        ("POST", "/graphql", "admin"),
        *(("POST", "/graphql", "ci"), ("GET", "/admin/stats", "ci")),
        *(("POST", "/graphql", None), ("GET", "/admin/stats", None)),
        *(("POST", "/graphql", "grace"), ("GET", "/admin/stats", "grace")),
        *(("POST", "/graphql", None), ("GET", "/admin/stats", None)),
        ("GET", "/admin/stats", "ci"),
        ("POST", "/admin/access-code", "ci"),
        ("POST", "/graphql", None),
        ("POST", "/graphql", "admin"),
        ("POST", "/graphql", None),
    ]
    assert [line.get("admin") for line in logged if line["message"] == "websocket closed"] == ["ci"]
