"""The questions of an evaluation: a table or JSON Lines with what is asked and what should be found."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from knowledge.importing import delimited, encodings, files, formats, sheets
from knowledge.importing.rows import Row
from schemas.errors import KefuError


class QuestionsInvalid(KefuError):
    """The file of questions cannot be used; the message says where and what to do."""

    code, status, title = "invalid_questions", 422, "Invalid questions"


class Asked(Struct, frozen=True):
    """`where`: such as "questions.csv:7". `expected`: as written; empty if it must not be answered."""

    where: str
    text: str
    expected: tuple[str, ...]


# Names of columns without case, spaces and marks; of several in one header the one listed first counts.
_QUESTION = tuple(
    """
    question questions q query text utterance utterances message asked input
    问题 用户问题 提问 问句 用户问法 问法 相似问 相似问法 用户说法 话术 语料 文本 问
    """.split()  # noqa: SIM905 - names in a row are easier to read
)
_EXPECTED = tuple(
    """
    expected expectedid expectedanswer expectedentry want gold target entry entryid answerid faqid
    documentid document standardquestion page source label intent category class topic id title answer
    期望 期望答案 预期 预期答案 正确答案 期望条目 标准问 标准问题 条目 条目id 知识id 知识点 知识标题 答案id 编号
    文档 页面 来源 标签 意图 标注 分类 类别 类目 答案
    """.split()  # noqa: SIM905
)
_NONE = frozenset({"", "none", "null", "无"})
_HEADER_WITHIN = 10
_MARKS = re.compile(r"[（(\[【].*?[)）\]】]|[\s_\-*:：#]+")
_SHAPE = (
    "name one column 'question' (问题) and one 'expected' (期望): the id, question or title of the right entry, "
    "or the file or title of the right document; 'none' or nothing for what must not be answered"
)


def read(path: Path) -> list[Asked]:
    """Every question of a CSV, TSV, XLSX or JSONL file. Raises QuestionsInvalid or, for the file itself, Unreadable."""
    data = files.load(path)
    name = path.name
    if formats.expected(name) == "xlsx" or data.startswith(b"PK\x03\x04"):
        found, _ = sheets.read(name, data)
        rows = [row for sheet in found[:1] for row in sheet.rows]
    else:
        text = encodings.decode(data, name).text
        rows = _json(name, text) if text.lstrip()[:1] in ("{", "[") else delimited.read(name, text)
    asked = list(_asked(name, [row for row in rows if any(row.cells)]))
    if not asked:
        raise QuestionsInvalid(f"{name}: holds no questions; {_SHAPE}")
    return asked


def _asked(name: str, rows: Sequence[Row]) -> Iterator[Asked]:
    if not rows:
        return
    first, question, expected = _header(name, rows)
    for row in rows[first:]:
        text, wanted = row.cell(question), row.cell(expected)
        if not text:
            raise QuestionsInvalid(f"{row.where}: has no question; write it or delete the row")
        yield Asked(row.where, text, _values(wanted))


def _header(name: str, rows: Sequence[Row]) -> tuple[int, int, int]:
    """Where the questions begin, and the columns of the question and of what is expected."""
    for number, row in enumerate(rows[:_HEADER_WITHIN], start=1):
        names = [_bare(cell) for cell in row.cells]
        question, expected = _column(names, _QUESTION), _column(names, _EXPECTED)
        if question is not None and expected is not None:
            return number, question, expected
    told = ", ".join(repr(cell) for cell in rows[0].cells[:8])
    raise QuestionsInvalid(f"{rows[0].where or name}: no row names the columns (the first has {told}); {_SHAPE}")


def _values(wanted: str) -> tuple[str, ...]:
    if wanted.casefold() in _NONE:
        return ()
    return tuple(dict.fromkeys(each.strip() for each in wanted.split("|") if each.strip()))


def _column(names: Sequence[str], known: Sequence[str]) -> int | None:
    return next((names.index(each) for each in known if each in names), None)


def _bare(cell: str) -> str:
    return _MARKS.sub("", unicodedata.normalize("NFKC", cell)).casefold() if len(cell) <= 60 else ""


def _json(name: str, text: str) -> list[Row]:
    """Objects as rows of a table whose header is all their keys."""
    objects = list(_objects(name, text))
    keys = list(dict.fromkeys(key for _, found in objects for key in found))
    rows = [Row(where, tuple(_cell(found.get(key)) for key in keys)) for where, found in objects]
    return [Row(name, tuple(keys)), *rows]


def _objects(name: str, text: str) -> Iterator[tuple[str, dict[str, object]]]:
    if text.lstrip().startswith("["):
        try:
            listed = msgspec.json.decode(text, type=list[dict[str, object]])
        except msgspec.DecodeError as error:
            raise QuestionsInvalid(f"{name}: is no list of objects ({error}); give one object a question") from error
        yield from ((f"{name} item {number}", found) for number, found in enumerate(listed, start=1))
        return
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield f"{name}:{number}", msgspec.json.decode(line, type=dict[str, object])
            except msgspec.DecodeError as error:
                raise QuestionsInvalid(f"{name}:{number}: is no JSON object ({error}); mend that line") from error


def _cell(value: object) -> str:
    if isinstance(value, list):
        return "|".join(str(each) for each in value)
    return "" if value is None else str(value).strip()
