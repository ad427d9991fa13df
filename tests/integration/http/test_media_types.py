"""Content types: parameters are ignored but for the charset, on REST and at `/graphql` alike."""

import pytest

from tests.support.api import Api

GOOD = [
    "application/json",
    "APPLICATION/JSON",
    " application/json ",
    "application/json;",
    "application/json;;",
    "application/json;charset=utf-8",
    "application/json; charset=UTF-8",
    'application/json; charset="utf-8"',
    "application/json; charset=utf8",
    "application/json; charset=",
    'application/json; charset=utf-8; profile="a;b"',
    'application/json; profile="charset=latin1"',
    "application/json; version=1; q=0.5",
    "application/json; CHARSET*=utf-8''utf-8",
]
BAD = [
    "",
    "json",
    "text/json",
    "text/plain",
    "application/problem+json",
    "application/vnd.api+json",
    "application/jsonp",
    "application/json charset=utf-8",
    "application/json, application/json",
    "application/json; charset=latin1",
    "application/json; charset=utf-16",
    "application/json; charset=us-ascii",
    'application/json; charset="ISO-8859-1"',
    "application/json; profile=x; charset=utf-16",
    "application/json; charset=utf-8; charset=latin1",
    "application/json; charset*=utf-8''latin1",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=application/json",
]
BODIES = {"/api/access-code/redeem": b'{"code": "AAAAAA", "username": "u"}', "/graphql": b'{"query": "{ __typename }"}'}


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("content_type", GOOD)
async def test_json_in_utf_8_is_taken_whatever_else_its_type_says(api: Api, path: str, content_type: str) -> None:
    answer = await api.http.post(path, content=BODIES[path], headers={"content-type": content_type})
    assert answer.status_code in (200, 404), answer.text


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("content_type", BAD)
async def test_anything_else_is_a_415(api: Api, path: str, content_type: str) -> None:
    answer = await api.http.post(path, content=BODIES[path], headers={"content-type": content_type})
    assert answer.status_code == 415
    assert "UNSUPPORTED_MEDIA_TYPE" in answer.text


@pytest.mark.parametrize("path", BODIES)
async def test_no_type_two_types_and_an_encoding_are_a_415_too(api: Api, path: str) -> None:
    json = ("content-type", "application/json")
    for headers in ([], [json, ("content-type", "text/plain")], [json, json], [json, ("content-encoding", "gzip")]):
        assert (await api.http.post(path, content=BODIES[path], headers=headers)).status_code == 415


MALFORMED = [
    b"",
    b"{",
    b"null",
    b"5",
    b'"x"',
    b"[]",
    b"\x00",
    b'\xef\xbb\xbf{"a": 1}',
    b'{"a": "\xff"}',
    b'{"a": "\\ud800"}',
    b'{"a": NaN}',
    b'{"a": 1e999}',
    b"9" * 6_000,
    b'{"a": ' * 10_000,
    b"[" * 60_000,
    b'{"a": 1, "a": 2}',
    b'{"a": {"b": 1, "b": 2}}',
    b'{"a": "\\u0000"}',
]


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("body", MALFORMED, ids=range(len(MALFORMED)))
async def test_a_malformed_body_is_a_400(api: Api, path: str, body: bytes) -> None:
    answer = await api.http.post(path, content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, "BAD_USER_INPUT" in answer.text) == (400, True)
