"""GraphiQL in a real browser, before the real application."""

import json
from typing import Any

from tests.e2e.browser.conftest import Open
from tests.e2e.browser.visit import Visit

CREATE = "mutation Create($input: CreateCouponInput!) { createCoupon(input: $input) { __typename } }"
NOTHING: dict[str, Any] = {
    "local": {},
    "session": {},
    "cookie": "",
    "databases": [],
    "caches": [],
    "state": None,
    "cookies": [],
}


async def create_coupons(visit: Visit) -> None:
    for number, name in enumerate(("ada", "grace", "adabelle"), 1):
        coupon = {"twitterId": str(number), "username": name, "followers": 1000 * number, "role": "CREATOR"}
        answer = await visit.page.request.post(
            "/graphql", data={"query": CREATE, "variables": {"input": coupon}}, headers={"accept": "application/json"}
        )
        assert (await answer.json())["data"]["createCoupon"]["__typename"] == "CreateCouponPayload"


async def test_an_admin_enters_the_key_runs_an_example_and_leaves_no_trace_of_the_key(visit: Open) -> None:
    here = await visit()
    assert here.status == 401
    await create_coupons(here)
    await here.picture("graphiql-key.png")

    await here.enter_key("not the key")
    await here.page.get_by_role("alert").get_by_text("This is no admin's key or token.").wait_for()

    await here.enter_key()
    await here.wait_for_schema()
    overview = json.loads(await here.run("Overview"))
    assert overview["data"]["couponStats"]["totalCoupons"] == 3

    await here.page.get_by_role("button", name="List coupons, filtered").click()
    assert "query ListCoupons" in await here.operation()
    coupons = json.loads(await here.run("ListCoupons"))["data"]["coupons"]
    assert [coupon["username"] for coupon in coupons["nodes"]] == ["adabelle", "ada"]
    await here.picture("graphiql.png")

    await here.page.get_by_role("button", name="Show GraphiQL Explorer").click()
    await here.page.locator(".graphiql-explorer-root").get_by_text("couponStats").wait_for()
    await here.picture("graphiql-explorer.png")
    await here.page.get_by_role("button", name="Show History").click()
    await here.page.locator(".graphiql-history-item", has_text="ListCoupons").wait_for()

    assert await here.stored() == NOTHING | {"address": here.page.url}
    assert here.page.url.endswith("/graphql")
    assert here.key not in await here.page.content()
    assert [request.url for request in here.requests if here.key in request.url] == []
    assert here.complaints == []


async def test_a_reload_asks_for_the_key_again(visit: Open) -> None:
    here = await visit()
    await here.enter_key()
    await here.wait_for_schema()
    await here.page.reload()
    await here.page.get_by_role("button", name="Open GraphiQL").wait_for()
    assert await here.page.get_by_label("Admin key").input_value() == ""


async def test_forgetting_the_key_closes_the_page(visit: Open) -> None:
    here = await visit()
    await here.enter_key()
    await here.wait_for_schema()
    await here.page.get_by_role("button", name="Forget").click()
    await here.page.get_by_role("button", name="Open GraphiQL").wait_for()


async def test_where_the_tools_are_open_the_key_is_asked_for_in_the_page(visit: Open) -> None:
    here = await visit(open_tools=True, colours="dark")
    assert here.status == 200
    await here.wait_for_schema()
    refused = json.loads(await here.run("Overview"))
    assert refused["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"

    field = here.page.get_by_label("Admin key")
    await field.fill("not the key")
    await field.press("Enter")
    await here.page.get_by_placeholder("Not the admin key").wait_for()
    await field.fill(here.key)
    await field.press("Enter")
    await here.page.get_by_text("Admin key in memory").wait_for()

    assert json.loads(await here.run("Overview"))["data"]["couponStats"]["totalCoupons"] == 0
    await here.picture("graphiql-dark.png")
    assert await here.stored() == NOTHING | {"address": here.page.url}
    assert here.complaints == []


async def test_a_key_typed_among_the_headers_is_not_kept_either(visit: Open) -> None:
    here = await visit(open_tools=True)
    await here.wait_for_schema()
    await here.page.get_by_role("button", name="Headers").click()
    await here.page.locator(".graphiql-editor-tool .CodeMirror").last.click()
    await here.page.keyboard.insert_text(json.dumps({"x-admin-key": here.key}))
    assert json.loads(await here.run("Overview"))["data"]["couponStats"]["totalCoupons"] == 0
    await here.page.get_by_role("button", name="Show History").click()
    await here.page.locator(".graphiql-history-item", has_text="Overview").wait_for()
    assert await here.stored() == NOTHING | {"address": here.page.url}


async def test_an_example_never_overwrites_what_was_typed(visit: Open) -> None:
    here = await visit(open_tools=True)
    await here.wait_for_schema()
    await here.page.locator(".graphiql-query-editor .CodeMirror").click()
    await here.page.keyboard.press("Control+A")
    await here.page.keyboard.type("query Mine { viewer { isAdmin")
    await here.settle("Mine")
    await here.page.get_by_role("button", name="Create a coupon").click()
    await here.page.get_by_role("tab", name="CreateCoupon").wait_for()
    assert "mutation CreateCoupon" in await here.operation()
    await here.page.get_by_role("tab", name="Mine").click()
    assert "query Mine" in await here.operation()


async def test_the_page_works_by_keyboard_and_its_dialogs_keep_to_the_policy(visit: Open) -> None:
    here = await visit()
    await here.page.wait_for_function("document.activeElement.id === 'key'")
    await here.page.keyboard.type(here.key)
    await here.page.keyboard.press("Enter")
    await here.wait_for_schema()
    await here.page.get_by_role("button", name="Coupon statistics").focus()
    await here.page.keyboard.press("Enter")
    await here.page.wait_for_function("document.activeElement.closest('.graphiql-query-editor') !== null")
    await here.settle("CouponStatistics")
    async with here.page.expect_response("**/graphql"):
        await here.page.keyboard.press("Control+Enter")
    for name in ("Open settings dialog", "Open short keys dialog", "Open settings dialog"):
        await here.page.get_by_role("button", name=name).focus()
        await here.page.keyboard.press("Enter")
        await here.page.get_by_role("dialog").wait_for()
        await here.page.keyboard.press("Escape")
        await here.page.get_by_role("dialog").wait_for(state="detached")
    assert here.complaints == []
