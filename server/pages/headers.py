"""What every answer of the pages tells a browser: nothing of it is kept, framed, or mixed with others'."""

from werkzeug.datastructures import Headers

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "media-src 'self' blob:",
        "worker-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
ALWAYS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(self)",
    "X-Robots-Tag": "noindex, nofollow",
}


def set_headers(headers: Headers, *, kept: bool) -> None:
    """``kept``: a file that is the same for everybody; the browser asks each time whether it still is."""
    for name, value in ALWAYS.items():
        headers[name] = value
    headers["Cache-Control"] = "no-cache" if kept else "no-store"
