"""Every list and every page of the console: read, filtered, acted upon, on a laptop and on a phone."""

import pytest
from playwright.async_api import expect

from tests.e2e.browser.walk import Walk

LISTS = {
    "redemptions": ("Redemptions", "grace"),
    "access-codes": ("Access codes", "Spring beta"),
    "batches": ("Batches", "spring"),
    "followers": ("Usage followers", "campaign"),
    "orders": ("Orders", "linus"),
    "activity": ("Activity", "Redeem usage"),
}


@pytest.mark.parametrize("path", LISTS)
async def test_each_list_shows_its_rows_and_offends_nobody(walk: Walk, path: str) -> None:
    title, text = LISTS[path]
    await walk.enter(path)
    await walk.heading(title)
    await walk.page.get_by_role("table").get_by_text(text).first.wait_for()
    await walk.settled()
    await walk.judge()
    await walk.picture(f"console-{path}-{walk.page.viewport_size['width']}.png")  # type: ignore[index]  # it has a size


async def test_the_overview_counts_compares_and_says_what_needs_a_look(walk: Walk) -> None:
    page = walk.page
    await walk.enter("?span=day")
    await walk.heading("Overview")
    redemptions = page.get_by_role("row").filter(has_text="T").last
    await expect(redemptions).to_be_attached()
    await page.get_by_role("region", name="Used up").get_by_role("link").first.wait_for()
    await (
        page.get_by_role("region", name="Refused since yesterday")
        .get_by_text("Minimum 1000 followers")
        .first.wait_for()
    )
    await walk.settled()
    await walk.judge()
    await walk.picture(f"console-overview-{page.viewport_size['width']}.png")  # type: ignore[index]  # it has a size
    await page.get_by_text("13 weeks").click()
    await walk.settled()
    assert page.url.endswith("?span=quarter")


async def test_a_coupon_shows_whom_it_brought_and_is_switched_off_and_on(walk: Walk) -> None:
    page = walk.page
    await walk.enter(f"coupons/{walk.programme.coupon_id}")
    await walk.heading(walk.programme.coupon_code)
    await page.get_by_role("img", name="ada and 3 others, 3 deep").wait_for()
    await walk.settled()
    await walk.judge()
    await walk.picture(f"console-coupon-{page.viewport_size['width']}.png")  # type: ignore[index]  # it has a size
    for action in ("Deactivate", "Activate"):
        await page.get_by_role("button", name=action, exact=True).click()
        await page.get_by_role("dialog", name=action).get_by_role("button", name=action, exact=True).click()
        await page.get_by_text(f"1 coupon {action.lower()}d.").wait_for()
    timeline = page.get_by_role("region", name="Timeline")
    await expect(timeline.get_by_text("Set coupon active").first).to_be_visible()
    await walk.judge()


async def test_no_more_can_be_refunded_than_is_left(walk: Walk) -> None:
    page = walk.page
    await walk.enter(f"orders/{walk.programme.order_id}")
    field = page.get_by_label("to refund").first
    await field.fill("99")
    await field.blur()
    left = int(await field.get_attribute("max") or "0") or int(await field.input_value())
    assert int(await field.input_value()) <= left
    await field.fill("1")
    await walk.settled()
    await walk.judge()
    await walk.picture(f"console-order-{page.viewport_size['width']}.png")  # type: ignore[index]  # it has a size
    await page.get_by_role("button", name="Refund", exact=True).first.click()
    dialog = page.get_by_role("dialog", name="Refund")
    await dialog.get_by_text("There is no undo.").wait_for()
    await dialog.get_by_role("button", name="Refund", exact=True).click()
    await page.get_by_text("refunded.", exact=False).last.wait_for()
    await expect(page.get_by_role("region", name="Refunds").get_by_role("row")).not_to_have_count(0)
    assert walk.complaints == []


async def test_a_follower_shows_its_limits_as_bars_and_who_used_it(walk: Walk) -> None:
    page = walk.page
    await walk.enter(f"followers/{walk.programme.follower_id}")
    await page.get_by_text("5 used, 2 set aside of 10").wait_for()
    await page.get_by_role("region", name="Users").get_by_role("link", name="linus").wait_for()
    await walk.settled()
    await walk.judge()
    await walk.picture(f"console-follower-{page.viewport_size['width']}.png")  # type: ignore[index]  # it has a size


async def test_what_is_not_there_is_said(walk: Walk) -> None:
    for path, sentence in {
        f"coupons/{'0' * 24}": "There is no coupon of this id",
        f"orders/{'0' * 24}": "There is no order of this id.",
        f"followers/{'0' * 24}": "There is no follower of this id",
        "nowhere": "There is no such page.",
    }.items():
        await walk.page.goto("about:blank")
        await walk.page.goto(f"/console/{path}")
        await walk.page.get_by_label("Admin key or token").fill(walk.key)
        await walk.page.keyboard.press("Enter")
        await walk.page.get_by_text(sentence).wait_for()
