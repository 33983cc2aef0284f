"""Markdown, with front matter, tables, and the boxes and tabs that documentation tools add."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.token import Token

from knowledge.importing import plain, web
from knowledge.importing.content import Block, Prose
from knowledge.importing.markup import bare_alt, is_tag
from knowledge.importing.plain import join

_FRONT = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.S)
_TITLE = re.compile(r"^title\s*:\s*(.+?)\s*$", re.M | re.I)
_BOX = re.compile(r"""^([ \t]*)(?:!!!|\?\?\?\+?|===)\+?[ \t]*([\w-]*)[^\n"]*?(?:"([^"\n]*)")?[ \t]*$""")
_FENCED_BOX = re.compile(r"^[ \t]*:{3,}[ \t]*\{?[ \t]*([\w-]*)\}?[ \t]*(.*)$")
_CODE_FENCE = re.compile(r"^[ \t]*(```+|~~~+)")
# Bounded, so that a page of braces costs no quadratic time.
_ATTRIBUTES = re.compile(
    r"(?<=[)\]`\w*])[ \t]{0,8}\{[:.#\s]{0,8}[\w-]{1,40}(?:[ \t]{0,8}=[^{}\n]{0,200}|[^{}\n=`]{0,200})\}[ \t]*$"
    r"|\{[ \t]{0,8}width[^{}\n]{0,200}\}",
    re.M,
)
_EMOJI = re.compile(r"(?<!\w):[a-z][a-z0-9_+-]{2,30}:(?!\w)")
_CHINESE_STOPS = tuple("。！？；：")
# The target of a picture may not have spaces, yet file names do.
_SPACED = re.compile(r"!\[([^\[\]\n]{0,200})\]\(([^()<>\"\n]{0,200}[^()<>\"\s][ ][^()<>\"\n]{0,200}\.\w{3,4})\)")
# The parser's time grows with the square of a paragraph's brackets.
_LONGEST_PARAGRAPH, _MOST_BRACKETS = 50_000, 2_000
_LINES = re.compile(r"[ \t]*\n[ \t]*")


def read(text: str) -> Prose:
    front = _FRONT.match(text)
    named = _TITLE.search(front.group(1)) if front else None
    title = named.group(1).strip("\"'") if named else ""
    return Prose(title, tuple(blocks(text[front.end() :] if front else text)))


def blocks(text: str) -> list[Block]:
    """The page's blocks; of one that cannot be Markdown by the length of its paragraphs, as plain text."""
    paragraphs = text.split("\n\n")
    if any(len(each) > _LONGEST_PARAGRAPH or each.count("[") > _MOST_BRACKETS for each in paragraphs):
        return plain.blocks(text)
    parser = MarkdownIt("commonmark", {"maxNesting": 100}).enable(["table", "strikethrough"])
    return _Walk().all(parser.parse(_unboxed(text)))


def _unboxed(text: str) -> str:
    """Boxes ('!!! note') and tabs lose their frame and their indentation, which would make code of their text."""
    out: list[str] = []
    lines = _SPACED.sub(r"![\1](<\2>)", _ATTRIBUTES.sub("", text)).expandtabs(4).split("\n")
    depth: list[int] = []
    fence = ""
    for line in lines:
        if line.strip() and not fence:
            while depth and len(line) - len(line.lstrip()) < depth[-1]:
                depth.pop()
        cut = depth[-1] if depth else 0
        bare = line[min(cut, len(line) - len(line.lstrip())) :] if cut else line
        if mark := _CODE_FENCE.match(bare):
            fence = "" if fence and mark.group(1).startswith(fence) else fence or mark.group(1)
        box = None if fence else _BOX.match(bare)
        fenced = None if fence else _FENCED_BOX.match(bare)
        if box and ("!!!" in bare or "???" in bare or box.group(3)):
            depth.append(cut + len(box.group(1)) + 4)
            out += ["", f"{box.group(1)}**{box.group(3)}**" if box.group(3) else "", ""]
        elif fenced:
            out += ["", f"**{fenced.group(2).strip()}**" if fenced.group(2).strip() else "", ""]
        elif bare.strip().lower() != "[toc]":
            out.append(bare)
    return "\n".join(out)


class _Walk:
    """Goes through the flat list of tokens; lists are the only nesting that matters."""

    def __init__(self) -> None:
        self._found: list[Block] = []
        self._lists: list[int] = []
        self._marker = ""
        self._table: list[list[str]] = []

    def all(self, tokens: list[Token]) -> list[Block]:
        heading = 0
        for token in tokens:
            match token.type:
                case "heading_open":
                    heading = int(token.tag[1])
                case "heading_close":
                    heading = 0
                case "bullet_list_open":
                    self._lists.append(-1)
                case "ordered_list_open":
                    self._lists.append(int(token.attrGet("start") or 1))
                case "bullet_list_close" | "ordered_list_close":
                    self._lists.pop()
                case "list_item_open":
                    self._marker = f"{token.info}. " if self._lists[-1] >= 0 else "- "
                case "table_open":
                    self._table = []
                case "tr_open":
                    self._table.append([])
                case "table_close":
                    self._found.append(Block("table", rows=tuple(tuple(row) for row in self._table)))
                    self._table = []
                case "inline" if self._table:
                    self._table[-1].append(_inline(token))
                case "inline" if heading:
                    if text := _inline(token) or " ".join(each.text for each in _pictures(token)):
                        self._found.append(Block("heading", " ".join(text.split()), level=heading))
                case "inline":
                    self._text(_inline(token))
                    self._found += _pictures(token)
                case "fence" | "code_block":
                    if token.content.strip():
                        self._found.append(Block("code", token.content.strip("\n").rstrip()))
                case "html_block":
                    self._found += web.fragment(token.content)
        return self._found

    def _text(self, text: str) -> None:
        if not text:
            return
        depth = len(self._lists)
        if depth:
            self._found.append(Block("item", "  " * (depth - 1) + self._marker + text, level=depth))
            self._marker = ""
        else:
            self._found.append(Block("paragraph", text))


def _inline(token: Token) -> str:
    """Text of links and emphasis, without pictures."""
    text = ""
    for child in token.children or ():
        match child.type:
            case "text" | "code_inline":
                text += child.content
            case "softbreak":
                text += "\x00"
            case "hardbreak":
                text += "\n"
            case "html_inline":
                text += (
                    ("\n" if child.content.lower().startswith("<br") else "")
                    if is_tag(child.content)
                    else child.content
                )
    return _LINES.sub("\n", _EMOJI.sub("", _softened(text))).strip()


def _pictures(token: Token) -> list[Block]:
    alts = (bare_alt(child.content) for child in token.children or () if child.type == "image")
    return [Block("picture", alt) for alt in alts if alt]


def _softened(text: str) -> str:
    """A line's end in the source means a space, between Chinese characters nothing; after a Chinese stop and before
    'A:' it is kept."""
    lines = [line.strip(" \t") for line in text.split("\x00")]
    joined = lines[0]
    for line in lines[1:]:
        kept = joined.endswith(_CHINESE_STOPS) or line.startswith(("A:", "A：", "答", "Q:", "Q：", "问"))
        joined += ("\n" if kept else join(joined, line)) + line
    return joined
