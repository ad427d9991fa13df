"""The page at `/console` and under it, and its files; nothing from another host, and no script within the page.

The build puts everything into `built/` beside this module: `index.html`, in which `$nonce` stands where the style
sheets that the page makes itself are let in, and files whose names change with their content.
"""

import secrets
from pathlib import Path
from string import Template

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from server.assets import MEDIA_TYPES, NO_OTHERS, ONE_YEAR, Asset, answer, load

HOME = Path(__file__).parent
BUILT = HOME / "built"
POLICY = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'nonce-$nonce'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
]
HEADERS = {**NO_OTHERS, "Content-Security-Policy": "; ".join(POLICY)}


def _page() -> tuple[Template, int]:
    """The page and its status: what set-up built, or where it has not, the note that says what to run."""
    built = BUILT / "index.html"
    status = 200 if built.is_file() else 503
    page = built if status == 200 else HOME / "absent.html"
    return Template(page.read_text("utf-8")), status


async def serve_page(_: Request) -> Response:
    """GET and HEAD of every view: one page, which reads its own address. It holds nothing that is worth a key."""
    page, status = await run_in_threadpool(_page)
    nonce = secrets.token_urlsafe(16)
    headers = {name: Template(value).substitute(nonce=nonce) for name, value in HEADERS.items()}
    return HTMLResponse(page.substitute(nonce=nonce), status, headers)


def _find(name: str) -> Asset | None:
    path = BUILT / "assets" / name
    return load(path) if "/" not in name and path.suffix in MEDIA_TYPES and path.is_file() else None


async def serve_asset(request: Request) -> Response:
    """GET and HEAD of a built file; 304 where the browser has it, 404 for any other name."""
    asset = await run_in_threadpool(_find, request.path_params["name"])
    if asset is None:
        raise HTTPException(404)
    return answer(request, asset, ONE_YEAR)


console_routes: list[BaseRoute] = [
    Route("/console/assets/{name:path}", serve_asset),
    Route("/console", serve_page),
    Route("/console/{view:path}", serve_page),
]
