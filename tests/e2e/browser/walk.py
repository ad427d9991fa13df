"""A visitor of the console: a page of it, all that the browser said, and the steps that many walks take."""

import re
from pathlib import Path

from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.e2e.browser.programme import Programme
from tests.e2e.browser.visit import PICTURES, Visit

AXE = Path(__file__).parents[3] / "console" / "node_modules" / "axe-core" / "axe.min.js"
LAPTOP, PHONE = (1440, 900), (390, 844)
STILL = """() => document.getAnimations().every(
  (one) => one.playState !== "running" || one.effect.getTiming().iterations === Infinity)"""
FINDINGS = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
  .filter(({impact}) => impact === "serious" || impact === "critical")
  .map(({id, nodes}) => `${id}: ${nodes.map(({html}) => html).join(" | ")}`)"""


class Walk(Visit):
    """One who has the key and walks through the console."""

    def __init__(self, page: Page, programme: Programme) -> None:
        super().__init__(page, programme.admin_key)
        self.programme = programme

    @classmethod
    async def begin(cls, browser: Browser, programme: Programme, *, phone: bool = False, dark: bool = False) -> "Walk":
        """In a fresh browser profile, which is the caller's to close; before the form for the key."""
        width, height = PHONE if phone else LAPTOP
        context: BrowserContext = await browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            base_url=programme.address,
            accept_downloads=True,
            has_touch=phone,
            locale="en-GB",
            timezone_id="Europe/Berlin",
        )
        context.set_default_timeout(30_000)
        return cls(await context.new_page(), programme)

    async def enter(self, view: str = "", key: str | None = None) -> None:
        """Load a view anew, with the key."""
        await self.page.goto(f"/console/{view}")
        await self.page.get_by_label("Admin key or token").fill(self.key if key is None else key)
        await self.page.keyboard.press("Enter")
        await self.page.locator("#main").get_by_role("heading", level=1).wait_for()

    async def go(self, view: str) -> None:
        """Another view of the same visit, as the address bar of a link would take it there."""
        await self.page.evaluate("path => history.pushState(null, '', path)", f"/console/{view}")
        await self.settled()

    async def settled(self) -> None:
        """Until everything that the view asked for is there."""
        await self.page.wait_for_load_state("networkidle")
        await expect(self.page.locator("[aria-busy=true]")).to_have_count(0)

    async def heading(self, text: str) -> None:
        await self.page.get_by_role("heading", level=1, name=re.compile(text)).wait_for()

    async def judge(self) -> None:
        """No serious finding of axe, nothing to scroll sideways, and no complaint of the browser so far."""
        if not await self.page.evaluate("'axe' in window"):
            # Not as a script of the page, whose policy would refuse it.
            await self.page.evaluate(AXE.read_text("utf-8"))
        # What fades in or out is too pale for a moment.
        await self.page.wait_for_function(STILL)
        found = await self.page.evaluate(FINDINGS)
        assert found == [], f"{self.page.url}: {found}"
        assert await self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), self.page.url
        assert self.complaints == []

    async def picture(self, name: str) -> None:
        """Keep a screenshot to look at."""
        PICTURES.mkdir(exist_ok=True)
        await self.page.screenshot(path=PICTURES / name, animations="disabled", caret="hide")
