"""Files as they go out: whole or compressed, and not at all to whoever has them.

A page has a folder: `static/` holds our files, `node_modules/` those of npm packages, which set-up puts there in a
source tree and the build in a wheel. Only the files that are listed are served.
"""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
ONE_YEAR = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
NO_OTHERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Headers of every page, beside its content security policy."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: its bytes, the same compressed, and the tag of its content."""

    media_type: str
    content: bytes
    compressed: bytes
    etag: str

    @classmethod
    def of(cls, media_type: str, content: bytes) -> Self:
        etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        return cls(media_type, content, gzip.compress(content, 6, mtime=0), etag)


class AssetFolder:
    """The files of a page, at `PREFIX/VERSION/NAME`; `packages` has the names of npm's with their paths."""

    def __init__(self, home: Path, prefix: str, packages: Mapping[str, str]) -> None:
        self.home = home
        self._prefix = prefix
        self._packages = packages

    @property
    def routes(self) -> list[BaseRoute]:
        """To be put before the routes of the page."""
        return [Route(f"{self._prefix}/{{version}}/{{name}}", self._serve)]

    def missing_files(self) -> list[str]:
        """The npm files that set-up has not put in place; empty where the page can be shown whole."""
        return [path.relative_to(self.home).as_posix() for path in self._paths().values() if not path.is_file()]

    def version(self) -> str:
        """A tag over all files: it stands in each address, so that a browser keeps a file until it changes."""
        return _version(tuple(self._paths().values()))

    def base_address(self) -> str:
        """Where the files are served."""
        return f"{self._prefix}/{self.version()}"

    def _paths(self) -> dict[str, Path]:
        own = {path.name: path for path in sorted((self.home / "static").iterdir()) if path.suffix in MEDIA_TYPES}
        return own | {name: self.home / "node_modules" / path for name, path in self._packages.items()}

    def _find(self, name: str) -> Asset | None:
        path = self._paths().get(name)
        return load(path) if path is not None and path.is_file() else None

    async def _serve(self, request: Request) -> Response:
        """GET and HEAD of a listed file; 304 where the browser has it, 404 for any other name."""
        asset = await run_in_threadpool(self._find, request.path_params["name"])
        if asset is None:
            raise HTTPException(404)
        # An address of another version may come from a page that an older process wrote: served, but not kept.
        return answer(request, asset, ONE_YEAR if request.path_params["version"] == self.version() else ASK_AGAIN)


@cache
def _version(paths: tuple[Path, ...]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@cache
def load(path: Path) -> Asset:
    """Reads a file of one of `MEDIA_TYPES` once and for all."""
    return Asset.of(MEDIA_TYPES[path.suffix], path.read_bytes())


def answer(request: Request, asset: Asset, cache: str) -> Response:
    """The file; 304 where the client has it. `cache` says how long it may be kept without asking."""
    headers = {
        "Cache-Control": cache,
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
