"""HTML: the page's own text in blocks, without menus, scripts and the frame around it."""

from __future__ import annotations

import re

from lxml import etree

from knowledge.importing.content import Block, Prose, Unreadable
from knowledge.importing.markup import bare_alt
from knowledge.importing.outline import title_of

_DROPPED = frozenset(
    """
    script style noscript template nav footer iframe svg canvas object embed select textarea input math title dialog
    audio video
    """.split()  # noqa: SIM905
)
_DROPPED_ROLES = frozenset({"navigation", "banner", "contentinfo", "search", "menu", "menubar"})
# Dropped around the page's main part, kept within it: there they hold titles and remarks.
_FRAME = frozenset({"header", "aside"})
_BLOCKS = frozenset(
    """
    address article aside blockquote body center dd details dialog div dl dt fieldset figcaption figure form h1 h2 h3
    h4 h5 h6 header hr html li main ol option p pre section summary table tbody td tfoot th thead tr ul button label
    """.split()  # noqa: SIM905
)
_DECLARED = re.compile(
    rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w-]{2,30})|<\?xml[^>]{0,100}encoding\s*=\s*["']([\w-]{2,30})""", re.I
)
# Deeper than any heading: questions that unfold, and terms with their definitions.
_FOLDED = 7


def declared_encoding(data: bytes) -> str:
    """The encoding that the page names in its first four kilobytes; empty if none."""
    match = _DECLARED.search(data[:4096])
    return (match.group(1) or match.group(2)).decode("ascii") if match else ""


def read(name: str, text: str) -> Prose:
    """Raises Unreadable for a page nested deeper than any real one."""
    root = _parse(text)
    if root is None:
        raise Unreadable(
            f"{name}: elements lie in one another more than 2,000 deep; save the page again from a browser"
        )
    heading = root.find(".//title")
    title = " ".join(_inner(heading).split()) if heading is not None else ""
    main = _main(root)
    walk = _Walk(framed=main is root)
    blocks = walk.all(main)
    # The head's title names the shop along with the page.
    return Prose(title_of(blocks) or title, tuple(blocks))


def fragment(text: str) -> list[Block]:
    """The blocks of a piece of HTML, such as stands in Markdown; none if it is nested absurdly."""
    root = _parse(text) if text.strip() else None
    return _Walk(framed=False).all(root) if root is not None else []


def _parse(text: str) -> etree._Element | None:
    parser = etree.HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True, no_network=True)
    root = etree.fromstring(text.encode("utf-8", errors="replace"), parser)
    if any("depth" in entry.message for entry in parser.error_log):
        return None
    if root is None:
        return etree.Element("html")
    etree.strip_elements(root, "script", "style", "noscript", "template", with_tail=False)
    return root


def _inner(element: etree._Element) -> str:
    return "".join(str(piece) for piece in element.itertext())


def _main(root: etree._Element) -> etree._Element:
    """The only main part of the page if it holds a fair share of its text, else the whole page."""
    for path in (".//main", ".//*[@role='main']", ".//article"):
        found = root.findall(path)
        if len(found) == 1 and len(_inner(found[0]).strip()) >= 200:
            return found[0]
    return root


class _Walk:
    def __init__(self, *, framed: bool) -> None:
        self._framed = framed
        self._found: list[Block] = []
        self._text = ""
        self._pictures: list[Block] = []
        self._lists: list[int] = []
        self._marker = ""
        self._heading = 0

    def all(self, root: etree._Element) -> list[Block]:
        """One pass over the tree, without recursion: pages may be two thousand elements deep."""
        walk = etree.iterwalk(root, events=("start", "end"))
        for event, element in walk:
            tag = element.tag if isinstance(element.tag, str) else ""
            if event == "start":
                if self._skips(element, tag) or self._takes_whole(element, tag):
                    walk.skip_subtree()
                else:
                    self._start(element, tag)
            else:
                self._end(tag)
                if element is not root:
                    self._add(element.tail)
        self._flush()
        return self._found

    def _skips(self, element: etree._Element, tag: str) -> bool:
        return (
            tag in _DROPPED
            or element.get("role") in _DROPPED_ROLES
            or (self._framed and tag in _FRAME and element.find(".//h1") is None)
        )

    def _takes_whole(self, element: etree._Element, tag: str) -> bool:
        if tag == "pre":
            self._flush()
            code = _inner(element).strip("\n").rstrip()
            if code.strip():
                self._found.append(Block("code", code))
            return True
        if tag == "table" and (rows := _data_rows(element)):
            self._flush()
            self._found.append(Block("table", rows=rows))
            return True
        return False

    def _start(self, element: etree._Element, tag: str) -> None:
        if tag in _BLOCKS:
            self._flush()
        if tag in ("ul", "ol"):
            start = element.get("start", "1")
            self._lists.append(
                int(start) if tag == "ol" and start.isdecimal() and len(start) < 9 else 1 if tag == "ol" else 0
            )
        elif tag == "li":
            number = self._lists[-1] if self._lists else 0
            self._marker = f"{number}. " if number else "- "
            if number:
                self._lists[-1] += 1
        elif tag in ("h1", "h2", "h3", "h4", "h5", "h6") and not self._heading:
            self._heading = int(tag[1])
        elif tag in ("summary", "dt"):
            self._heading = _FOLDED
        elif tag == "br":
            self._text += "\n"
        elif tag == "img" and (alt := bare_alt(element.get("alt"))):
            self._pictures.append(Block("picture", alt))
        self._add(element.text)

    def _end(self, tag: str) -> None:
        if tag in _BLOCKS and not (self._heading == _FOLDED and tag not in ("summary", "dt", "details", "dl")):
            self._flush()
        if tag in ("ul", "ol") and self._lists:
            self._lists.pop()
        elif tag in ("details", "dl"):
            self._heading = 0
            self._found.append(Block("heading", "", level=_FOLDED))
        elif tag in ("h1", "h2", "h3", "h4", "h5", "h6", "summary", "dt") and not (
            self._heading == _FOLDED and tag.startswith("h")
        ):
            self._heading = 0

    def _add(self, text: str | None) -> None:
        if text:
            self._text += re.sub(r"[\s\u200b]+", " ", text)

    def _flush(self) -> None:
        lines = (" ".join(line.split()) for line in self._text.split("\n"))
        text = "\n".join(line for line in lines if line)
        self._text = ""
        if text:
            self._put(text)
        self._found += self._pictures
        self._pictures = []

    def _put(self, text: str) -> None:
        if self._heading:
            self._found.append(Block("heading", text.replace("\n", " "), level=self._heading))
        elif depth := len(self._lists):
            self._found.append(Block("item", "  " * (depth - 1) + self._marker + text, level=depth))
            self._marker = ""
        else:
            self._found.append(Block("paragraph", text))


def _data_rows(table: etree._Element) -> tuple[tuple[str, ...], ...]:
    """The cells of a table of data; none for a table that lays out a page."""
    if table.find(".//table") is not None or table.find(".//h1") is not None or table.find(".//h2") is not None:
        return ()
    rows = [
        tuple(" ".join(_inner(cell).split()) for cell in row if cell.tag in ("td", "th")) for row in table.iter("tr")
    ]
    rows = [row for row in rows if any(row)]
    return tuple(rows) if len(rows) > 1 and max(map(len, rows)) > 1 else ()
