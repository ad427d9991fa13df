"""The files of the page: ours from `static/`, GraphiQL's from the npm packages that set-up installs.

`node_modules/` sits beside this module, in a source tree and in an installed wheel alike. Only the files listed here
are served.
"""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

HOME = Path(__file__).parent
PREFIX = "/graphql/assets"
MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
ONE_YEAR = "public, max-age=31536000, immutable"

PACKAGE_FILES = {
    "react.js": "react/umd/react.production.min.js",
    "react-dom.js": "react-dom/umd/react-dom.production.min.js",
    "graphiql.js": "graphiql/graphiql.min.js",
    "graphiql.css": "graphiql/graphiql.min.css",
    "explorer.js": "@graphiql/plugin-explorer/dist/index.umd.js",
    "explorer.css": "@graphiql/plugin-explorer/dist/style.css",
}
"""Name in the address → file of an npm package."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it goes out: whole, compressed, and the tag of its content."""

    media_type: str
    content: bytes
    compressed: bytes
    etag: str


def _paths() -> dict[str, Path]:
    own = {path.name: path for path in sorted((HOME / "static").iterdir()) if path.suffix in MEDIA_TYPES}
    packages = {name: HOME / "node_modules" / path for name, path in PACKAGE_FILES.items()}
    return own | packages


def missing_files() -> list[str]:
    """The npm files that set-up has not put in place; empty where the page can be shown whole."""
    return [path.relative_to(HOME).as_posix() for path in _paths().values() if not path.is_file()]


@cache
def version() -> str:
    """A tag over all files: it stands in each address, so that a browser keeps a file until it changes."""
    digest = hashlib.sha256()
    for path in _paths().values():
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def base_address() -> str:
    """Where the files are served."""
    return f"{PREFIX}/{version()}"


@cache
def _load(path: Path) -> Asset:
    content = path.read_bytes()
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    return Asset(MEDIA_TYPES[path.suffix], content, gzip.compress(content, 6, mtime=0), etag)


def _find(name: str) -> Asset | None:
    path = _paths().get(name)
    return _load(path) if path is not None and path.is_file() else None


async def serve_asset(request: Request) -> Response:
    """GET and HEAD of a listed file; 304 where the browser has it, 404 for any other name."""
    asset = await run_in_threadpool(_find, request.path_params["name"])
    if asset is None:
        raise HTTPException(404)
    # An address of another version may come from a page that an older process wrote: served, but not kept.
    current = request.path_params["version"] == version()
    headers = {
        "Cache-Control": ONE_YEAR if current else "no-cache",
        "ETag": asset.etag,
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    known = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    if asset.etag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        # One tag for both encodings would promise equal bytes; a weak one promises equal meaning.
        headers |= {"Content-Encoding": "gzip", "ETag": f"W/{asset.etag}"}
        return Response(asset.compressed, headers=headers, media_type=asset.media_type)
    return Response(asset.content, headers=headers, media_type=asset.media_type)


graphiql_assets: list[BaseRoute] = [Route(f"{PREFIX}/{{version}}/{{name}}", serve_asset)]
"""To be put before the GraphQL route."""
