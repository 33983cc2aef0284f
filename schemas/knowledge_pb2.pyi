from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EntryKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ENTRY_KIND_UNSPECIFIED: _ClassVar[EntryKind]
    FAQ: _ClassVar[EntryKind]
    PASSAGE: _ClassVar[EntryKind]
ENTRY_KIND_UNSPECIFIED: EntryKind
FAQ: EntryKind
PASSAGE: EntryKind

class KnowledgeEvent(_message.Message):
    __slots__ = ("document_added", "document_revised", "document_removed", "knowledge_rolled_back", "answer_confirmed")
    DOCUMENT_ADDED_FIELD_NUMBER: _ClassVar[int]
    DOCUMENT_REVISED_FIELD_NUMBER: _ClassVar[int]
    DOCUMENT_REMOVED_FIELD_NUMBER: _ClassVar[int]
    KNOWLEDGE_ROLLED_BACK_FIELD_NUMBER: _ClassVar[int]
    ANSWER_CONFIRMED_FIELD_NUMBER: _ClassVar[int]
    document_added: DocumentAdded
    document_revised: DocumentRevised
    document_removed: DocumentRemoved
    knowledge_rolled_back: KnowledgeRolledBack
    answer_confirmed: AnswerConfirmed
    def __init__(self, document_added: _Optional[_Union[DocumentAdded, _Mapping]] = ..., document_revised: _Optional[_Union[DocumentRevised, _Mapping]] = ..., document_removed: _Optional[_Union[DocumentRemoved, _Mapping]] = ..., knowledge_rolled_back: _Optional[_Union[KnowledgeRolledBack, _Mapping]] = ..., answer_confirmed: _Optional[_Union[AnswerConfirmed, _Mapping]] = ...) -> None: ...

class EntrySide(_message.Message):
    __slots__ = ("language", "question", "answer", "paraphrases")
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    QUESTION_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    PARAPHRASES_FIELD_NUMBER: _ClassVar[int]
    language: str
    question: str
    answer: str
    paraphrases: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, language: _Optional[str] = ..., question: _Optional[str] = ..., answer: _Optional[str] = ..., paraphrases: _Optional[_Iterable[str]] = ...) -> None: ...

class KnowledgeEntry(_message.Message):
    __slots__ = ("id", "kind", "topic", "sides", "revision")
    ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    SIDES_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    id: str
    kind: EntryKind
    topic: str
    sides: _containers.RepeatedCompositeFieldContainer[EntrySide]
    revision: int
    def __init__(self, id: _Optional[str] = ..., kind: _Optional[_Union[EntryKind, str]] = ..., topic: _Optional[str] = ..., sides: _Optional[_Iterable[_Union[EntrySide, _Mapping]]] = ..., revision: _Optional[int] = ...) -> None: ...

class KnowledgeDocument(_message.Message):
    __slots__ = ("id", "title", "source", "collection", "tags", "entries", "digest")
    ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    COLLECTION_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    id: str
    title: str
    source: str
    collection: str
    tags: _containers.RepeatedScalarFieldContainer[str]
    entries: _containers.RepeatedCompositeFieldContainer[KnowledgeEntry]
    digest: bytes
    def __init__(self, id: _Optional[str] = ..., title: _Optional[str] = ..., source: _Optional[str] = ..., collection: _Optional[str] = ..., tags: _Optional[_Iterable[str]] = ..., entries: _Optional[_Iterable[_Union[KnowledgeEntry, _Mapping]]] = ..., digest: _Optional[bytes] = ...) -> None: ...

class DocumentAdded(_message.Message):
    __slots__ = ("document", "by", "at_ms")
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    BY_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    document: KnowledgeDocument
    by: str
    at_ms: int
    def __init__(self, document: _Optional[_Union[KnowledgeDocument, _Mapping]] = ..., by: _Optional[str] = ..., at_ms: _Optional[int] = ...) -> None: ...

class DocumentRevised(_message.Message):
    __slots__ = ("document", "by", "at_ms")
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    BY_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    document: KnowledgeDocument
    by: str
    at_ms: int
    def __init__(self, document: _Optional[_Union[KnowledgeDocument, _Mapping]] = ..., by: _Optional[str] = ..., at_ms: _Optional[int] = ...) -> None: ...

class DocumentRemoved(_message.Message):
    __slots__ = ("document_id", "by", "at_ms")
    DOCUMENT_ID_FIELD_NUMBER: _ClassVar[int]
    BY_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    document_id: str
    by: str
    at_ms: int
    def __init__(self, document_id: _Optional[str] = ..., by: _Optional[str] = ..., at_ms: _Optional[int] = ...) -> None: ...

class KnowledgeRolledBack(_message.Message):
    __slots__ = ("to_version", "by", "at_ms")
    TO_VERSION_FIELD_NUMBER: _ClassVar[int]
    BY_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    to_version: int
    by: str
    at_ms: int
    def __init__(self, to_version: _Optional[int] = ..., by: _Optional[str] = ..., at_ms: _Optional[int] = ...) -> None: ...

class AnswerConfirmed(_message.Message):
    __slots__ = ("entry_id", "question", "by", "at_ms")
    ENTRY_ID_FIELD_NUMBER: _ClassVar[int]
    QUESTION_FIELD_NUMBER: _ClassVar[int]
    BY_FIELD_NUMBER: _ClassVar[int]
    AT_MS_FIELD_NUMBER: _ClassVar[int]
    entry_id: str
    question: str
    by: str
    at_ms: int
    def __init__(self, entry_id: _Optional[str] = ..., question: _Optional[str] = ..., by: _Optional[str] = ..., at_ms: _Optional[int] = ...) -> None: ...
