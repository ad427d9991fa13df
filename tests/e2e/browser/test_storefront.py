"""The storefront of the examples in a real browser, from another origin than the API's."""

import re
from pathlib import Path

from playwright.async_api import Browser, expect

from tests.e2e.browser.shop import PATIENCE_MS, Shop, open_shop, photograph, tokens_asked
from tests.integration.access_codes.support import make_code
from tests.support.orders import make_order
from tests.support.usage import post

expect.set_options(timeout=PATIENCE_MS)


async def use(shop: Shop, amount: int) -> None:
    body = {"userId": "ada", "campaignId": shop.campaign, "usageAmount": amount}
    assert (await post(shop.api, "add-usage", body)).status_code == 200


async def test_what_is_left_moves_by_itself_and_outlives_a_restart_of_the_api(
    chromium: Browser, database_uri: str, tmp_path: Path
) -> None:
    async with open_shop(chromium, database_uri, tmp_path) as shop:
        remaining, state = shop.page.get_by_test_id("remaining"), shop.page.locator(".state")
        await expect(remaining).to_have_text("100")
        await expect(state).to_have_text("Live")
        await use(shop, 3)
        await expect(remaining).to_have_text("97")
        await photograph(shop, "redeem")
        shop.worker.kill()
        await expect(state).not_to_have_text("Live")
        await use(shop, 5)
        await shop.worker.start()
        await expect(remaining).to_have_text("92")
        await expect(state).to_have_text("Live")


async def test_a_code_is_redeemed_or_the_refusal_is_read(chromium: Browser, database_uri: str, tmp_path: Path) -> None:
    async with open_shop(chromium, database_uri, tmp_path) as shop:
        friend = await shop.api.coupon(twitterId="1")
        form = shop.page.get_by_role("form", name="Redeem a coupon")

        async def redeem(code: str, twitter_id: str, username: str = "", followers: str = "") -> None:
            given = {"Coupon code": code, "Your Twitter id": twitter_id, "Username": username, "Followers": followers}
            for label, value in given.items():
                await form.get_by_label(label).fill(value)
            await form.get_by_role("button").click()

        for given, sentence in (
            (("ZZZZ-ZZZZ", "2"), "Invalid coupon code"),
            ((friend["couponCode"], "1"), "Cannot redeem your own coupon"),
            ((friend["couponCode"], "2"), "Username and followers count are required for new users"),
            ((friend["couponCode"], "2", "bob", "10"), "Minimum 1000 followers required"),
            ((friend["couponCode"], "2", "b" * 300, "5000"), "username must be at most 256 characters"),
        ):
            await redeem(*given)
            await expect(form.get_by_role("alert")).to_have_text(sentence)
        await redeem(friend["couponCode"], "2", "bob", "5000")
        await expect(form.get_by_role("status")).to_contain_text("10 points for you, 10 for your friend.")
        await expect(form.get_by_role("status").locator("code")).to_have_text(re.compile("[A-Z2-9]{4}-[A-Z2-9]{4}"))

        access, code = shop.page.get_by_role("form", name="Use an access code"), await make_code(shop.api, maxUses=1)
        await access.get_by_label("Access code").fill(code)
        await expect(access.get_by_test_id("validity")).to_have_text("Access code is valid · 1 left")
        await access.get_by_label("Username").fill("bob")
        await access.get_by_role("button").click()
        await expect(access.get_by_role("status")).to_contain_text("Beta Tester Access Code")
        # The cache has it of the mutation, under the id that the query gave: nothing is asked again.
        await expect(access.get_by_test_id("validity")).to_have_text("Access code has reached maximum usage limit")
        await photograph(shop, "redeemed")
        await access.get_by_role("button").click()
        await expect(access.get_by_role("alert")).to_have_text("Access code has reached maximum usage limit")
        assert shop.visit.complaints == []


async def test_orders_are_those_of_the_user_live_beyond_the_end_of_a_token(
    chromium: Browser, database_uri: str, tmp_path: Path
) -> None:
    async with open_shop(chromium, database_uri, tmp_path, token_seconds=6) as shop:
        page = shop.page
        await make_order(shop.api.services, userId="ada")
        await make_order(shop.api.services, userId="bob")
        await page.get_by_role("link", name="Your orders").click()
        await page.get_by_label("User").fill("ada")
        await photograph(shop, "sign-in")
        await page.get_by_role("button", name="Sign in").click()
        orders = page.get_by_role("article")
        await expect(orders).to_have_count(1)
        await expect(orders).to_contain_text("$79.70")
        await orders.get_by_role("button", name="Give one back").first.click()
        await expect(orders).to_contain_text("1 given back, $19.90")
        await photograph(shop, "orders")
        # The connection ends with the token and begins again with the next one, which the session gets.
        ended = tokens_asked(shop)
        await page.wait_for_timeout(8_000)
        await make_order(shop.api.services, userId="ada")
        await expect(orders).to_have_count(2)
        assert tokens_asked(shop) > ended
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_role("form", name="Sign in")).to_be_visible()
        await expect(orders).to_have_count(0)
