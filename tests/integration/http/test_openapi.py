"""`/openapi.json`: the document, as it is kept."""

import json

from tests.support.api import Api
from tests.support.processes import ROOT


async def test_everyone_gets_the_document(api: Api) -> None:
    answer = await api.http.get("/openapi.json")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == json.loads((ROOT / "openapi.json").read_text())


async def test_who_has_the_document_is_not_sent_it_again(api: Api) -> None:
    tag = (await api.http.get("/openapi.json")).headers["etag"]
    again = await api.http.get("/openapi.json", headers={"if-none-match": tag})
    assert (again.status_code, again.content) == (304, b"")


async def test_the_document_is_only_read(api: Api) -> None:
    answer = await api.http.post("/openapi.json", json={})
    assert (answer.status_code, answer.json()["code"]) == (405, "METHOD_NOT_ALLOWED")
