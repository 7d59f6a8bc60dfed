"""A message's own HTML, to be framed by a page: it may style itself, and do nothing else."""

from litestar import Response

# The document brings its own styles; it runs nothing, loads nothing, sends nothing, and only our own pages frame it.
# It keeps its origin, so that the page around it can see how high it is; it has no script that could use that.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-same-origin"
)


def framed(html: str) -> Response[bytes]:
    """Answer with a message's HTML."""
    headers = {
        "Content-Security-Policy": POLICY,
        "X-Frame-Options": "SAMEORIGIN",
        "Cache-Control": "no-store",
    }
    return Response(html.encode(), headers=headers, media_type="text/html; charset=utf-8")
