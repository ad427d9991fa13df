"""`/docs`, the reference of the REST paths, for everyone; `/`, a page for browsers and JSON for programs."""

import html
from pathlib import Path
from string import Template

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from server import __version__
from server.assets import NO_OTHERS, ONE_YEAR, AssetFolder, answer, load

HOME = Path(__file__).parent
FILES = AssetFolder(
    HOME,
    "/docs/assets",
    {
        "swagger-ui.js": "swagger-ui-dist/swagger-ui-bundle.js",
        "swagger-ui.css": "swagger-ui-dist/swagger-ui.css",
    },
)
POLICY = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",  # swagger-ui.css holds its arrows as data
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
]
HEADERS = {**NO_OTHERS, "Content-Security-Policy": "; ".join(POLICY), "Vary": "Accept"}
LINKS = {
    "graphql": "/graphql",
    "openapi": "/openapi.json",
    "docs": "/docs",
    "health": "/health",
    "ready": "/readyz",
}
"""What a program is told of at `/`."""


async def docs(_: Request) -> Response:
    """The reference; 503 with what to run where the npm files are not installed."""
    missing = FILES.missing_files()
    if missing:
        files = "".join(f"<li>{html.escape(name)}</li>" for name in missing)
        return _page("absent.html", 503, folder=html.escape(str(FILES.home)), files=files)
    return _page("reference.html", 200)


async def root(request: Request) -> Response:
    """What this is and where to go."""
    if "text/html" in request.headers.get("accept", ""):
        return _page("root.html", 200, version=__version__)
    return JSONResponse({"name": "tessera", "version": __version__, **LINKS}, headers={"Vary": "Accept"})


async def favicon(request: Request) -> Response:
    """The sign of every page, for browsers that ask at this address whatever a page says."""
    return answer(request, load(HOME / "static" / "tessera.svg"), ONE_YEAR)


def _page(template: str, status: int, **values: str) -> Response:
    text = (HOME / "static" / template).read_text("utf-8")
    return HTMLResponse(Template(text).substitute(assets=FILES.base_address(), **values), status, HEADERS)


page_routes: list[BaseRoute] = [
    *FILES.routes,
    Route("/docs", docs),
    Route("/", root),
    Route("/favicon.ico", favicon),
]
