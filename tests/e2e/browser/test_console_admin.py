"""Making things, looking for people and giving keys in the console, in a real browser."""

import re
from pathlib import Path

from playwright.async_api import expect

from tests.e2e.browser.walk import Walk


async def test_codes_are_made_in_a_batch_and_saved_as_a_file(walk: Walk) -> None:
    page = walk.page
    await walk.enter("make/codes")
    await walk.judge()
    await page.get_by_label("How many").fill("7")
    await page.get_by_label("Batch").fill(f"made-{page.viewport_size['width']}")  # type: ignore[index]  # it has a size
    await page.get_by_role("button", name="Make the codes").click()
    await page.get_by_text("7 codes made").wait_for()
    await walk.judge()
    async with page.expect_download() as download:
        await page.get_by_role("button", name="Download as CSV").click()
    lines = (await (await download.value).path()).read_text("utf-8-sig").splitlines()
    assert lines[0].startswith("code,")
    assert len(lines) == 8

    await page.get_by_role("button", name="Make more").click()
    await page.get_by_role("button", name="Make the codes").click()
    await page.get_by_role("alert").wait_for()
    await walk.judge()


async def test_what_the_server_refuses_of_a_follower_stands_at_its_field(walk: Walk) -> None:
    page = walk.page
    await walk.enter("make/follower")
    await page.get_by_role("textbox", name="Id", exact=True).fill("no id")
    await page.get_by_label("All together").fill("5")
    await page.get_by_role("button", name="Follow it").click()
    await page.get_by_text("campaignId must be a valid ObjectId").wait_for()
    await walk.judge()
    campaign = "60d21b4667d0d8992e611001" if page.viewport_size == {"width": 1440, "height": 900} else "f" * 24
    await page.get_by_role("textbox", name="Id", exact=True).fill(campaign)
    await page.get_by_role("button", name="Follow it").click()
    await page.get_by_text("It is followed from now on").wait_for()


async def test_an_import_shows_the_faults_of_each_row_before_anything_is_written(walk: Walk, tmp_path: Path) -> None:
    page = walk.page
    begin = 1 if page.viewport_size == {"width": 1440, "height": 900} else 2
    file = tmp_path / "followers.csv"
    rows = [f"{begin}{'a' * 23},,10,,", "none,,10,,", f"{begin}{'a' * 23},,20,,", f"{begin}{'b' * 23},,-1,,", ",,5,,"]
    file.write_text("\n".join(["campaignId,couponId,maxTotalLimit,maxLimitPerCustomer,maxLimitInBasket", *rows]))
    await walk.enter("make/import")
    await walk.judge()
    async with page.expect_file_chooser() as chooser:
        await page.get_by_role("button", name="Choose a CSV file").click()
    await (await chooser.value).set_files(file)
    await page.get_by_text("1 row ready, 4 left out. Nothing is written yet.").wait_for()
    for fault in (
        "campaignId must be an id of 24 digits and letters a to f",
        "is the same as line 2",
        "maxTotalLimit must be a whole number",
        "give exactly one of campaignId and couponId",
    ):
        await page.get_by_text(fault).wait_for()
    await walk.judge()
    await page.get_by_role("button", name="Take in 1 row").click()
    await page.get_by_text("1 row taken in").wait_for()

    # The same file again: it looks as sound as before, and the server knows better.
    await page.get_by_role("button", name="Take in another file").click()
    async with page.expect_file_chooser() as chooser:
        await page.get_by_role("button", name="Choose a CSV file").click()
    await (await chooser.value).set_files(file)
    await page.get_by_role("button", name="Take in 1 row").click()
    await page.get_by_text("Line 2: There is a usage follower for it already").wait_for()
    await walk.judge()


async def test_one_search_shows_all_that_is_known_of_a_person(walk: Walk) -> None:
    page = walk.page
    await walk.enter("people/grace")
    coupon = page.get_by_role("region", name="Coupon of grace")
    await coupon.get_by_text("brought this person").wait_for()
    await coupon.get_by_text("was brought by this coupon").wait_for()
    for section in ("Access codes", "Orders", "Usage", "What was done and refused"):
        await page.get_by_role("region", name=section, exact=True).wait_for()
    await walk.settled()
    await walk.judge()

    await coupon.get_by_role("link", name="margaret").click()
    await walk.heading("margaret")
    await walk.go("people/small_fan")
    await page.get_by_text("Minimum 1000 followers required").wait_for()
    await walk.go("people/nobody-at-all")
    await page.get_by_text("Nothing is known of").wait_for()
    await walk.judge()


async def test_a_key_is_given_shown_once_and_taken_away(walk: Walk) -> None:
    page = walk.page
    name = f"support-{page.viewport_size['width']}"  # type: ignore[index]  # it has a size
    await walk.enter("keys")
    await page.get_by_role("button", name="New key").click()
    dialog = page.get_by_role("dialog", name="New admin key")
    await dialog.get_by_label("Name").fill(name)
    await walk.judge()
    await dialog.get_by_role("button", name="Make the key").click()
    secret = await dialog.get_by_label("Key", exact=True).input_value()
    assert re.fullmatch(r"tsk_[\w-]{43}", secret)
    await walk.judge()
    await dialog.get_by_role("button", name="Done").click()
    await expect(dialog).to_have_count(0)
    row = page.get_by_role("row").filter(has_text=name)
    await expect(row).to_contain_text("Lets in")
    assert secret not in await page.content()

    other = await Walk.begin(page.context.browser, walk.programme)  # type: ignore[arg-type]  # it was launched
    await other.enter("coupons", secret)
    assert await other.page.get_by_role("link", name="Admin keys").count() == 0
    await other.page.context.close()

    await page.get_by_role("button", name=f"Revoke {name}").click()
    await page.get_by_role("dialog", name="Revoke").get_by_role("button", name="Revoke").click()
    await page.get_by_text("The key is revoked.").wait_for()
    await expect(row).to_contain_text("Revoked")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await walk.judge()
