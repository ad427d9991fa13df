"""The page at `/graphql` for a browser: GraphiQL for an admin, a form that asks for the admin key for everyone else.

The form's script asks for this same page again with the key in a header and swaps it in, so the key is never in an
address, a cookie or a store of the browser. Both pages therefore carry one and the same content security policy.
"""

import html
from pathlib import Path
from string import Template
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from models.principal import Principal
from server.assets import NO_OTHERS
from server.graphiql.assets import FILES
from server.graphiql.examples import menu
from server.settings import Settings

HOME = Path(__file__).parent
POLICY = [
    "default-src 'none'",
    "script-src 'self'",
    # The one style sheet that GraphiQL's dialogs write into the page, to keep it from scrolling behind them.
    "style-src 'self' 'sha256-Y/huXlwoYkVyQlxwSVcCi1RCDGDCSVBzDt0hYP9qlTc='",
    "connect-src 'self'",
    "img-src 'self' data:",  # graphiql.css holds its cursors and underlines as data, and its fonts
    "font-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
]
HEADERS = {
    **NO_OTHERS,
    "Content-Security-Policy": "; ".join(POLICY),
    "Vary": "Accept, Authorization, Cookie, X-Admin-Key",
}


async def graphiql_page(request: Request, principal: Principal, settings: Settings) -> Response:
    """GraphiQL for admins, and for everyone where the tools are open.

    Others get the form: 401, or 403 where the admin key that came is a wrong one. Where the npm files are not
    installed an admin is told what to run.
    """
    if principal.role is None and not settings.open_tools:
        status = 403 if "x-admin-key" in request.headers else 401
        return _answer("gate.html", status)
    missing = FILES.missing_files()
    if missing:
        folder, files = html.escape(str(HOME)), "".join(f"<li>{html.escape(name)}</li>" for name in missing)
        return _answer("absent.html", 503, folder=folder, files=files)
    configuration = {"endpoint": request.url.path, "open": settings.open_tools, **menu()}
    return _answer("ide.html", 200, configuration=_json(configuration))


def _json(value: dict[str, Any]) -> str:
    # Inside a script element only a "<" could end it.
    return orjson.dumps(value).decode().replace("<", "\\u003c")


def _answer(template: str, status: int, **values: str) -> Response:
    text = (HOME / "static" / template).read_text("utf-8")
    return HTMLResponse(Template(text).substitute(assets=FILES.base_address(), **values), status, HEADERS)
