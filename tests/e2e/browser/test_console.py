"""The console in a real browser, before the real application: what an admin does there, by mouse and by keyboard."""

import re

from playwright.async_api import expect

from tests.e2e.browser.test_graphiql import NOTHING
from tests.e2e.browser.walk import Walk


async def test_the_key_lets_in_and_leaves_no_trace(walk: Walk) -> None:
    page = walk.page
    await page.goto("/console/coupons")
    await walk.judge()
    await page.keyboard.type("not the key")
    await page.keyboard.press("Enter")
    await page.get_by_role("alert").get_by_text("This key or token lets nobody in.").wait_for()

    await walk.enter("coupons?username=ada")
    await page.get_by_text(walk.programme.coupon_code).wait_for()
    assert await walk.stored() == NOTHING | {"address": page.url}
    assert walk.key not in await page.content()
    assert [request.url for request in walk.requests if walk.key in request.url] == []

    await page.get_by_role("button", name="Signed in as admin").click()
    await page.get_by_role("menuitem", name="Forget the key").click()
    await page.get_by_label("Admin key or token").wait_for()


async def test_a_list_is_searched_filtered_sorted_paged_and_its_address_is_the_view(walk: Walk) -> None:
    page = walk.page
    await walk.enter("coupons?size=25")
    rows = page.get_by_role("rowgroup").last.get_by_role("row")
    await expect(rows).to_have_count(25)
    await page.get_by_text("34 coupons").wait_for()
    await walk.judge()

    await page.get_by_role("button", name="Next").click()
    await expect(rows).to_have_count(9)
    await page.get_by_role("button", name="Previous").click()
    await expect(rows).to_have_count(25)

    await page.get_by_role("searchbox", name="Search by username").fill("member_1")
    await expect(rows).to_have_count(10)
    await page.get_by_role("button", name="Filters (1)").click()
    await page.get_by_label("Followers, at least").fill("1500")
    await page.keyboard.press("Escape")
    await expect(rows).to_have_count(6)
    await walk.judge()

    again = await Walk.begin(page.context.browser, walk.programme)  # type: ignore[arg-type]  # it was launched
    await again.enter(page.url.partition("/console/")[2])
    await expect(again.page.get_by_role("rowgroup").last.get_by_role("row")).to_have_count(6)
    async with again.page.expect_download() as download:
        await again.page.get_by_role("button", name="Export").click()
    lines = (await (await download.value).path()).read_text("utf-8-sig").splitlines()
    assert len(lines) == 7
    await again.page.context.close()

    await page.get_by_role("button", name="Clear all").click()
    await expect(rows).to_have_count(25)


async def test_many_are_selected_switched_off_by_keyboard_and_back_again(walk: Walk) -> None:
    page = walk.page
    await walk.enter("coupons?username=member_2&size=25")
    for name in ("member_21", "member_22"):
        box = page.get_by_role("checkbox", name=re.compile(f"Select .* of {name}"))
        await box.focus()
        await page.keyboard.press("Space")
    await page.get_by_text("2 coupons selected").wait_for()
    await page.get_by_role("button", name="Deactivate", exact=True).focus()
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Deactivate")
    await dialog.get_by_text("member_22").wait_for()
    await walk.judge()
    await dialog.get_by_role("button", name="Deactivate").focus()
    await page.keyboard.press("Enter")
    await page.get_by_text("2 coupons deactivated.").wait_for()
    await expect(page.get_by_text("Inactive", exact=True)).to_have_count(2)
    await page.get_by_role("button", name="Undo").click()
    await page.get_by_text("Undone: 2 as before.").wait_for()
    await expect(page.get_by_text("Inactive", exact=True)).to_have_count(0)
    assert walk.complaints == []


async def test_a_view_opens_in_graphiql_with_its_variables_and_without_asking_for_the_key_again(walk: Walk) -> None:
    page = walk.page
    await walk.enter("coupons?username=ada")
    await page.get_by_text(walk.programme.coupon_code).wait_for()
    async with page.context.expect_page() as opened:
        await page.get_by_role("button", name="As GraphQL").click()
    graphiql = Walk(await opened.value, walk.programme)
    await graphiql.page.locator(".graphiql-query-editor .CodeMirror").wait_for()
    await expect(graphiql.page.get_by_role("button", name="Execute query")).to_be_in_viewport(ratio=1)
    assert "query Coupons(" in await graphiql.operation()
    assert walk.programme.coupon_code in await graphiql.run("Coupons")
    assert graphiql.page.url.endswith("/graphql")
