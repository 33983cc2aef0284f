"""What HTML and Markdown share: known tags, and descriptions of pictures."""

from __future__ import annotations

import re

_TAG = re.compile(r"</?([a-zA-Z][a-zA-Z0-9]*)\b")
_KNOWN = frozenset(
    """
    a abbr address article aside audio b blockquote body br button caption center cite code col colgroup dd del
    details dfn div dl dt em embed fieldset figcaption figure font footer form h1 h2 h3 h4 h5 h6 head header hr html i
    iframe img input ins kbd label legend li link main mark meta nav noscript object ol optgroup option p param picture
    pre q s samp script section select small source span strike strong style sub summary sup svg table tbody td
    template textarea tfoot th thead time title tr tt u ul var video wbr
    """.split()  # noqa: SIM905 - a list of one hundred quoted words is no easier to read
)
_FILE = re.compile(
    r"(?:[\w\-. ]*\.(?:png|jpe?g|gif|svg|webp|bmp|tiff?)|[\w\-./]*|img|image|alt text|图片?|截图)", re.I | re.A
)


def is_tag(source: str) -> bool:
    """Whether '<...>' is HTML; a placeholder such as '<auto>' is text."""
    if source.startswith(("<!", "<?")):
        return True
    match = _TAG.match(source)
    return bool(match) and match.group(1).lower() in _KNOWN  # type: ignore[union-attr]


def bare_alt(alt: object) -> str:
    """What a picture says it shows; empty if that is a file name or a single Latin word."""
    text = " ".join(str(alt or "").split())
    return "" if _FILE.fullmatch(text) else text
