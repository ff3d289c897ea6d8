"""The picture as one HTML file to send: no network, and nothing in it that a caller said can run. Pure.

Style, script and data are in the file; the first two are the very files that the server's pages use. Its
policy lets run what has the hash of that script, and nothing else.
"""

import json
from base64 import b64encode
from functools import cache
from hashlib import sha256
from html import escape
from pathlib import Path

from server.logs.one_line import in_one_line
from server.timeline.timeline import Json

STATIC = Path(__file__).resolve().parents[1] / "pages" / "static" / "timeline"
ESCAPES = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}
PAGE = """<!doctype html>
<html lang="he" dir="rtl"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>{title}</title><style>{style}</style></head>
<body class="timeline-page"><main class="timeline"></main>
<noscript>This page draws with JavaScript, which is off.</noscript>
<script type="application/json" id="timeline-data">{data}</script>
<script>{script}</script>{sounds}</body></html>
"""


def page(data: Json) -> str:
    """The whole file. Recordings stand behind all else: the picture is there before they are read."""
    style, script = static("timeline.css"), static("timeline.js")
    named = [{**one, "src": f"#sound-{n}"} for n, one in enumerate(data["sounds"])]
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; media-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    return PAGE.format(
        policy=policy,
        title=escape(in_one_line(str(data["sid"]))),
        style=style,
        script=script,
        data=as_json_in_html({**data, "sounds": named}),
        sounds="".join(
            f'<script type="text/plain" id="sound-{n}">{escape(one["src"])}</script>'
            for n, one in enumerate(data["sounds"])
        ),
    )


def as_json_in_html(data: Json) -> str:
    """JSON in which no tag can begin or end, and no line either."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).translate(ESCAPES)


@cache
def static(name: str) -> str:
    """A file of ours. Raises OSError."""
    return (STATIC / name).read_text("utf-8")


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
