"""Bytes of a file or a page to a document: the one way in."""

from __future__ import annotations

from msgspec import Struct

from guardrails import instructions
from knowledge.entries import Document, Side
from knowledge.importing import delimited, encodings, formats, ids, records, sheets
from knowledge.importing.content import MAX_BYTES, MAX_CHARACTERS, Listed, Placed, Prose, Skipped, Unreadable
from knowledge.importing.formats import Format
from knowledge.importing.outline import title_of
from knowledge.importing.prose import read_prose
from knowledge.importing.tables import read_rows
from schemas.errors import KefuError

__all__ = ["Reading", "Skipped", "Unreadable", "read"]


class Reading(Struct, frozen=True):
    """What came of one file. `skipped`: parts left out; `notes`: parts that were used but deserve a look."""

    documents: tuple[Document, ...]
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[Skipped, ...] = ()


def read(name: str, data: bytes, *, collection: str = "default", tags: tuple[str, ...] = ()) -> Reading:
    """Reads one file whole. `name`: its path or URL, from which the document's id is made.

    The format is told by the content, then by the name's ending. Raises Unreadable, and then nothing was read.
    """
    if len(data) > MAX_BYTES:
        raise Unreadable(f"{name}: has {len(data):,} bytes, more than {MAX_BYTES:,}; split it")
    if not data.strip():
        raise Unreadable(f"{name}: is empty; give a file with text in it")

    document = ids.document_id(name)
    entry_ids = ids.EntryIds(document)
    notes: list[Skipped] = []
    title = ids.stem(name) or document
    format = formats.of_bytes(name, data)
    if format is not None:
        title, listed = _of_binary(name, data, format, entry_ids, title)
    else:
        decoded = encodings.decode(data, name, declared=_declared(data))
        notes += _encoding_notes(name, decoded)
        format = formats.of_text(name, decoded.text)
        title, listed = _of_text(name, decoded.text, format, entry_ids, title)
    notes += _format_notes(name, format)
    if not listed.entries:
        why = f" ({listed.skipped[0].where}: {listed.skipped[0].reason})" if listed.skipped else ""
        raise Unreadable(f"{name}: holds no text that can be used{why}; give a file with text in it")
    entries = tuple(placed.entry for placed in listed.entries)
    notes += [*listed.notes, *_instructions(listed.entries)]
    every_tag = tuple(dict.fromkeys((*tags, *listed.tags)))
    made = Document(document, title, name, entries, collection, every_tag)
    return Reading((made,), listed.skipped, tuple(notes))


def _of_binary(name: str, data: bytes, format: Format, entry_ids: ids.EntryIds, title: str) -> tuple[str, Listed]:
    try:
        if format == "xlsx":
            return title, _of_book(name, data, entry_ids, title)
        # Each loads a library that only its own format needs.
        if format == "pdf":
            from knowledge.importing import pdf

            return _of_prose(name, pdf.read(name, data), entry_ids, title)
        from knowledge.importing import word

        return _of_prose(name, word.read(name, data), entry_ids, title)
    except KefuError:
        raise
    except Exception as error:
        # Libraries meet damage with whatever error it causes.
        what = f"{type(error).__name__}: {error}"
        raise Unreadable(f"{name}: is damaged ({what}); open it in its own program and save it again") from error


def _of_book(name: str, data: bytes, entry_ids: ids.EntryIds, title: str) -> Listed:
    found, skipped = sheets.read(name, data)
    listed = [read_rows(sheet.rows, entry_ids, [title, sheet.title] if len(found) > 1 else [title]) for sheet in found]
    return Listed(
        tuple(placed for each in listed for placed in each.entries),
        tuple(tag for each in listed for tag in each.tags),
        (*skipped, *(reason for each in listed for reason in each.skipped)),
        tuple(note for each in listed for note in each.notes),
    )


def _of_text(name: str, text: str, format: Format, entry_ids: ids.EntryIds, title: str) -> tuple[str, Listed]:
    if len(text) > MAX_CHARACTERS:
        raise Unreadable(f"{name}: has {len(text):,} characters, more than {MAX_CHARACTERS:,}; split it")
    match format:
        case "json":
            return title, records.read(name, text, entry_ids, title)
        case "csv":
            return title, read_rows(delimited.read(name, text), entry_ids, [title])
        case "html":
            from knowledge.importing import web

            return _of_prose(name, web.read(name, text), entry_ids, title)
        case "markdown":
            from knowledge.importing import markdown

            return _of_prose(name, markdown.read(text), entry_ids, title)
        case _:
            from knowledge.importing import plain

            return _of_prose(name, plain.read(text), entry_ids, title)


def _of_prose(name: str, prose: Prose, entry_ids: ids.EntryIds, fallback: str) -> tuple[str, Listed]:
    title = prose.title or title_of(prose.blocks) or fallback
    return title, read_prose(name, prose, entry_ids, title)


def _declared(data: bytes) -> str:
    if b"<" not in data[:4096]:
        return ""
    from knowledge.importing.web import declared_encoding

    return declared_encoding(data)


def _encoding_notes(name: str, decoded: encodings.Decoded) -> list[Skipped]:
    notes: list[Skipped] = []
    if decoded.guessed:
        notes.append(
            Skipped(name, f"does not tell its encoding; read as {decoded.encoding}: look at it, or save it as UTF-8")
        )
    if "\ufffd" in decoded.text:
        line = decoded.text.count("\n", 0, decoded.text.index("\ufffd")) + 1
        notes.append(
            Skipped(f"{name}:{line}", "has characters that were lost before (\ufffd); mend them in the source")
        )
    return notes


def _format_notes(name: str, format: Format) -> list[Skipped]:
    promised = formats.expected(name)
    if promised in (None, format) or (promised == "text" and format == "markdown"):
        return []
    return [Skipped(name, f"is {formats.NAMES[format]} by its content and was read as that; give it the right ending")]


def _instructions(entries: tuple[Placed, ...]) -> list[Skipped]:
    """Text that addresses a model is imported like any other, and told."""
    notes: list[Skipped] = []
    for placed in entries:
        for _, side in placed.entry.sides():
            if found := instructions.find(_all_text(side)):
                reason = f"addresses a language model ({found!r}); it is plain text here, but see who wrote it"
                notes.append(Skipped(placed.where, reason))
    return notes


def _all_text(side: Side) -> str:
    return "\n".join((side.question, side.answer, *side.paraphrases))
