"""The page's files, with headers that let a browser run nothing else."""

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from flask import Flask, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

_ROUTE: Final = "/ui"
_DOCUMENT: Final = "index.html"
_MEDIA_TYPES: Final = {
    _DOCUMENT: "text/html",
    "page.css": "text/css",
    "page.js": "text/javascript",
    "results.js": "text/javascript",
    "service.js": "text/javascript",
}
# What differs from service to service; the rest the page asks /version.
_FOR_ANY: Final = b'data-keys="unneeded" data-most-bytes="0"'
_FOR_THIS: Final = b'data-keys="%s" data-most-bytes="%d"'

# Scripts and styles are files of this server alone, so that a text that is put into the page by
# mistake cannot run. Photographs are shown from the browser's own memory (blob:).
_CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    )
)
_HEADERS: Final = {
    "Content-Security-Policy": _CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",  # for browsers that do not know frame-ancestors
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # A new version of the server has a new page at once; the ETag spares the transfer.
    "Cache-Control": "no-cache",
}


@dataclass(frozen=True)
class _File:
    content: bytes
    media_type: str

    def response(self) -> Response:
        response = Response(self.content, mimetype=self.media_type, headers=_HEADERS)
        response.set_etag(hashlib.sha256(self.content).hexdigest()[:16])
        response.make_conditional(request)
        return response


def register_page(app: Flask, *, keys_needed: bool, max_body_bytes: int) -> None:
    """Add /ui and the files that it refers to, all relative to where it is: any prefix will do.

    Args:
        keys_needed: whether POST /score asks for an API key.
        max_body_bytes: that it takes. A browser shows no answer that comes while it still sends.
    """
    keys = b"needed" if keys_needed else b"unneeded"
    found = _files(_FOR_THIS % (keys, max_body_bytes))

    @app.get(_ROUTE)
    def page() -> Response:
        return found[_DOCUMENT].response()

    @app.get(f"{_ROUTE}/")
    def page_by_another_name() -> AnyResponse:
        return redirect(f"..{_ROUTE}", 308)

    # A route for each file: nothing of the request becomes part of a path.
    for name in sorted(found.keys() - {_DOCUMENT}):
        app.add_url_rule(f"{_ROUTE}/{name}", f"page/{name}", found[name].response)


def _files(for_this: bytes) -> dict[str, _File]:
    folder = files(__package__) / "page"
    found = {
        name: _File((folder / name).read_bytes(), media_type)
        for name, media_type in _MEDIA_TYPES.items()
    }
    document = found[_DOCUMENT]
    content = document.content.replace(_FOR_ANY, for_this)
    return {**found, _DOCUMENT: _File(content, document.media_type)}
