"""Segments of paths: whatever an identity is made of, it can be addressed by REST, percent-encoded once."""

from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rest.paths import decoded, routed
from tests.support.api import ADMIN, Api, bearer, unique

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
SEGMENTS = st.lists(TEXTS, min_size=1, max_size=4)


@given(SEGMENTS)
def test_every_segment_is_found_again_and_none_is_divided(segments: list[str]) -> None:
    sent = "/" + "/".join(quote(segment, safe="") for segment in segments)
    _, *found = routed(sent.encode()).split("/")
    assert [decoded(segment) for segment in found] == segments


@given(SEGMENTS)
def test_what_is_encoded_without_need_is_the_same_path(segments: list[str]) -> None:
    needed = "/".join(quote(segment, safe="!$&'()*+,;=:@") for segment in segments)
    needless = "/".join("".join(f"%{byte:02x}" for byte in segment.encode()) for segment in segments)
    assert routed(needless.encode()) == routed(needed.encode()) == needed


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126) | st.sampled_from("%%%/"), max_size=40))
def test_whatever_is_sent_is_routed_and_is_text_or_recognised_as_none(sent: str) -> None:
    segments = routed(sent.encode()).split("/")
    assert len(segments) == len(sent.split("/"))
    for segment in segments:
        text = decoded(segment)
        is_text = not any("\ud800" <= character <= "\udfff" for character in text)
        assert is_text == (decoded(routed(quote(text, safe="", errors="replace").encode())) == text)


@settings(max_examples=60, deadline=None)
@given(name=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60))
@example(name="org/team/ada")
@example(name="..")
@example(name="50%/a?b#c;d+e f\\g")
@example(name="%2F")
@example(name="a\nb")
@example(name="🦊ÅÅ")
async def test_whoever_can_redeem_can_be_looked_up(api: Api, name: str) -> None:
    username = f"{unique()}{name}{unique()}"
    made = await api.http.post("/admin/access-code", json={"maxUses": 1, "expiryDays": 1}, headers=ADMIN)
    code = made.json()["data"]["accessCode"]["code"]
    redeemed = await api.http.post("/api/access-code/redeem", json={"code": code, "username": username})
    assert redeemed.status_code == 200, redeemed.text
    for prefix in ("/api/access-code/user/", "/%61pi/access-code/user/"):
        found = await api.http.get(prefix + quote(username, safe=""))
        assert [use["code"] for use in found.json()["data"]["accessCodes"]] == [code]


@pytest.mark.parametrize("user", ["org/ada", "a%2Fb", "...", "ü 🦊", "a?b#c", "auth0|5f7c"])
async def test_a_user_of_any_name_lists_orders(api: Api, user: str) -> None:
    answer = await api.http.get(f"/api/order/find/{quote(user, safe='')}", headers=bearer(user))
    assert (answer.status_code, answer.json()) == (200, [])


UNDECODABLE = ["%", "%zz", "%2", "a%f", "%ff", "%C3", "%ED%A0%80", "a%00b", "%20", "%E2%80"]


@pytest.mark.parametrize("segment", UNDECODABLE)
async def test_a_segment_that_is_blank_or_no_text_is_a_400_after_who_may_call(api: Api, segment: str) -> None:
    for path in (f"/api/access-code/user/{segment}", f"/api/access-code/validate/{segment}"):
        assert (await api.http.get(path)).status_code == 400
    for prefix in ("/admin", "/api/admin"):
        for path in (f"{prefix}/access-code/{segment}", f"{prefix}/access-code/{segment}/activate"):
            method = "PATCH" if path.endswith("activate") else "GET"
            assert (await api.http.request(method, path)).status_code == 401
            assert (await api.http.request(method, path, headers=ADMIN)).status_code == 400
    for path in (f"/api/order/find/{segment}", f"/api/order/findOrder/{segment}"):
        assert (await api.http.get(path)).status_code == 401
        assert (await api.http.get(path, headers=ADMIN)).status_code == 400


NO_PATHS = [
    "//api/coupon",
    "/api//coupon",
    "/api/coupon/",
    "/api/access-code/user/",
    "/api/access-code/user//",
    "/api/access-code/user/a/b",
    "/api%2Fcoupon",
    "/api/coupon%0A",
    "/api/%",
    "/%2e%2e/api/coupon",
]


@pytest.mark.parametrize("path", NO_PATHS)
async def test_a_path_with_one_segment_too_few_or_too_many_is_a_404(api: Api, path: str) -> None:
    answer = await api.http.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
