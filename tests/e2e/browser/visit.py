"""One visit of GraphiQL: what a person does there, and what the browser complained of."""

from pathlib import Path
from typing import Any

from playwright.async_api import ConsoleMessage, Page, Request

PICTURES = Path(__file__).parents[3] / "artefacts"


class Visit:
    """A page and all that the browser said about it."""

    def __init__(self, page: Page, key: str) -> None:
        self.page = page
        self.key = key
        self.status = 0
        self.complaints: list[str] = []
        self.requests: list[Request] = []
        page.on("console", self._note_message)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._note_request)

    def _note_request(self, request: Request) -> None:
        self.requests.append(request)

    def _note_message(self, message: ConsoleMessage) -> None:
        # Chromium writes each answer of 4xx here, also the ones that are meant, such as 401 for the form.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    async def enter_key(self, key: str | None = None) -> None:
        """Fill in the form that stands before GraphiQL."""
        await self.page.get_by_label("Admin key").fill(self.key if key is None else key)
        await self.page.get_by_role("button", name="Open GraphiQL").click()

    async def wait_for_schema(self) -> None:
        """Until GraphiQL is there and has read the schema."""
        await self.page.get_by_role("button", name="List coupons, filtered").wait_for()

    async def settle(self, operation_name: str) -> None:
        """Until the editor, which reads what it holds a tenth of a second later, knows the operation."""
        script = (
            "name => document.querySelector('.graphiql-query-editor .CodeMirror').CodeMirror.operationName === name"
        )
        await self.page.wait_for_function(script, arg=operation_name)

    async def run(self, operation_name: str) -> str:
        """Run the operation of the open tab; its answer as text."""
        await self.settle(operation_name)
        async with self.page.expect_response(lambda answer: answer.request.method == "POST"):
            await self.page.get_by_role("button", name="Execute query").click()
        await self.page.locator(".result-window .CodeMirror-line", has_text="{").first.wait_for()
        return await self._text(".result-window")

    async def operation(self) -> str:
        """The text of the open tab."""
        return await self._text(".graphiql-query-editor")

    async def _text(self, selector: str) -> str:
        # What CodeMirror holds, not only the lines it has drawn.
        script = "element => element.querySelector('.CodeMirror').CodeMirror.getValue()"
        return str(await self.page.locator(selector).first.evaluate(script))

    async def stored(self) -> dict[str, Any]:
        """Everything that this visit has left in the browser beyond the page's memory."""
        script = """async () => ({
            local: {...localStorage}, session: {...sessionStorage}, cookie: document.cookie, address: location.href,
            databases: await indexedDB.databases(), caches: await caches.keys(), state: history.state,
        })"""
        kept: dict[str, Any] = await self.page.evaluate(script)
        return kept | {"cookies": await self.page.context.cookies()}

    async def picture(self, name: str) -> None:
        """Keep a screenshot to look at."""
        PICTURES.mkdir(exist_ok=True)
        await self.page.screenshot(path=PICTURES / name, animations="disabled", caret="hide")
