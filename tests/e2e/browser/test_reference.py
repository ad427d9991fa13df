"""The reference and the page at `/` in a real Chromium: light and dark, on a desk and in a hand."""

from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, ConsoleMessage, Request

from tests.e2e.browser.conftest import serving
from tests.e2e.browser.visit import PICTURES
from tests.support.api import settings_for

SIZES = {"desk": (1440, 900), "hand": (390, 844)}


@pytest.mark.parametrize(("colours", "size"), [("light", "desk"), ("dark", "hand")])
async def test_the_reference_is_reached_from_the_root_and_shows_every_path(
    chromium: Browser, database_uri: str, colours: str, size: str
) -> None:
    complaints: list[str] = []
    hosts: set[str | None] = set()

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    def ask(request: Request) -> None:
        if not request.url.startswith("data:"):
            hosts.add(urlsplit(request.url).hostname)

    width, height = SIZES[size]
    async with serving(settings_for(database_uri)) as address:
        context = await chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if colours == "dark" else "light",
            base_url=address,
        )
        context.set_default_timeout(60_000)
        page = await context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", ask)
        PICTURES.mkdir(exist_ok=True)
        await page.goto("/")
        await page.screenshot(path=PICTURES / f"root-{colours}-{size}.png")
        await page.get_by_role("link", name="REST reference").click()
        await page.locator("#operations-Coupons-redeemCoupon").wait_for()
        await page.locator("#operations-Health-getReadiness").wait_for()
        await page.screenshot(path=PICTURES / f"reference-{colours}-{size}.png")
        await page.locator("#operations-Coupons-redeemCoupon .opblock-summary-control").click()
        await page.get_by_text("Cannot redeem your own coupon").first.wait_for()
        assert await page.evaluate("document.documentElement.scrollWidth") == width
        assert await page.evaluate("document.documentElement.classList.contains('dark-mode')") == (colours == "dark")
        await context.close()
    assert (complaints, hosts) == ([], {"127.0.0.1"})
