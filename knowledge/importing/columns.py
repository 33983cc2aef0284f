"""What the columns of a table mean, by their names in English and Chinese."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from msgspec import Struct


def _set(names: str) -> frozenset[str]:
    return frozenset(names.split())


_NAMES: dict[str, frozenset[str]] = {
    "question": _set("question questions q standardquestion 问题 标准问题 标准问 提问 问 问句 主问题"),
    "answer": _set("answer answers a response reply 答案 回答 回复 答 标准答案 答复 应答"),
    "paraphrases": _set(
        "paraphrase paraphrases similar similarquestion similarquestions alternatives variants "
        "相似问 相似问题 相似问法 扩展问 扩展问题 相似说法 同义问"
    ),
    "id": _set("id questionid 编号 问题id"),
    "language": _set("language lang locale 语言 语种"),
    "topic": _set("topic category 主题 分类 类别 类目 问题分类 知识分类 目录"),
    "tags": _set("tag tags 标签"),
    "utterance": _set("text utterance utterances query 语料 话术 用户问题 用户说法 文本"),
    "label": _set("category intent label class 意图 分类 类别 标注"),
}
_LONGEST_NAME = 60
_BRACKETS = re.compile(r"[（(\[【].*?[)）\]】]")
_NOISE = re.compile(r"[\s_\-*:：#]+")


class Columns(Struct, frozen=True):
    """Indices of the columns that were recognised. `labelled`: rows are utterances with a label, not answers.

    With `labelled`, `question` is the column of utterances and `label` that of their labels.
    """

    question: int
    answer: int | None = None
    paraphrases: tuple[int, ...] = ()
    id: int | None = None
    language: int | None = None
    topic: int | None = None
    tags: int | None = None
    label: int | None = None

    @property
    def labelled(self) -> bool:
        return self.label is not None


def recognise(header: Sequence[str]) -> Columns | None:
    """The columns of a table of questions with answers, or of labelled utterances; None if it is neither.

    A column with a number, such as 'similar 2' or '相似问2', is one more of its kind.
    """
    names = [_bare(cell) for cell in header]

    def first(role: str) -> int | None:
        return next((at for at, name in enumerate(names) if name in _NAMES[role]), None)

    question, answer, utterance, label = first("question"), first("answer"), first("utterance"), first("label")
    paraphrases = tuple(
        at for at, name in enumerate(names) if name.rstrip("0123456789一二三四五六七八九十") in _NAMES["paraphrases"]
    )
    own, language, topic, tags = first("id"), first("language"), first("topic"), first("tags")
    if (
        answer is not None
        and (question is not None or utterance is not None)
        and (question is not None or label is None)
    ):
        asked = question if question is not None else utterance
        assert asked is not None
        return Columns(asked, answer, paraphrases, own, language, topic, tags)
    said = utterance if utterance is not None else question
    if said is not None and label is not None and said != label:
        return Columns(said, answer, language=language, label=label)
    return None


def _bare(cell: str) -> str:
    """A column's name without case, brackets, spaces and marks: 'Similar Questions (optional)*' too."""
    if len(cell) > _LONGEST_NAME:
        return ""
    return _NOISE.sub("", _BRACKETS.sub("", unicodedata.normalize("NFKC", cell)).casefold())
