"""`kefu eval`: what its figures count, and whole evaluations in this process and of a running Kefu."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer
from kit.letters import Letters
from typer.testing import CliRunner

import cli_eval
from knowledge import showing, testing
from knowledge.answers import CONSIDERED
from knowledge.asking import Inspected
from knowledge.entries import Document, Entry, Side
from knowledge.evaluating.channels import EVERY_CANDIDATE, Channels
from knowledge.evaluating.evaluation import evaluate, speed
from knowledge.evaluating.expected import Wanted
from knowledge.evaluating.local import LocalKnowledge, read_documents
from knowledge.evaluating.outcomes import Got, Outcome, Seen, outcome, rank_of
from knowledge.evaluating.question_file import Asked, QuestionsInvalid
from knowledge.evaluating.server import Server
from knowledge.evaluating.summary import changes, misses, summarise
from knowledge.found import Confidence, Found, Hit
from knowledge.importing.content import Unreadable
from knowledge.ranking import EVIDENCE, HEAD
from schemas.answers import Answer, Option
from schemas.errors import InvalidRequest

# --- Summaries -------------------------------------------------------------------------------------


def said(
    kind: str | None, sure: float, first: str, expected: str = "a", options: tuple[str, ...] = (), *, also: str = "z"
) -> Outcome:
    """The outcome of a question whose first hit is `first`, and its second `also`."""
    asked = Asked("q.csv:2", f"{kind} {sure}", (expected,) if expected else ())
    wanted = Wanted(entries=frozenset(asked.expected))
    hits = tuple(Seen(each, "faq.csv", "faq.csv", each.upper()) for each in (first, also))
    return outcome(asked, wanted, Got(kind, sure, True, hits, options))


def test_a_summary_counts_what_the_customer_is_told() -> None:
    found = summarise(
        [
            said("answer", 0.9, "a"),
            said("answer", 0.8, "b"),
            said("clarify", 0.6, "b", options=("b", "a"), also="a"),
            said("unknown", 0.2, "a"),
            said("answer", 0.7, "a", expected=""),
            said("unknown", 0.1, "a", expected=""),
        ],
        k=5,
    )
    assert (found.questions, found.in_scope, found.out_of_scope) == (6, 4, 2)
    assert (found.hit_1, found.hit_k, found.reciprocal_rank) == (0.5, 0.75, (1 + 0.5 + 1) / 4)
    assert (found.answered, found.clarified, found.declined) == (0.5, 0.25, 0.25)
    assert (found.right_of_answered, found.right_of_clarified, found.out_of_scope_answered) == (0.5, 1.0, 0.5)
    assert found.coverage["90 %"] == 0.25
    assert found.coverage_of_all["90 %"] == pytest.approx(1 / 6)
    assert found.auroc == (2 + 2 + 1 + 1) / 8
    assert found.calibration_error == pytest.approx((0.1 + 0.8 + 0.6 + 0.8 + 0.7 + 0.1) / 6)


def test_what_no_question_tells_is_not_given() -> None:
    only_inside = summarise([said(None, 3.2, "a")], k=5)
    assert only_inside.auroc is None
    assert only_inside.answered is None
    assert summarise([said("unknown", 0.1, "a", expected="")], k=5).hit_1 is None


def test_misses_come_surest_first_then_those_out_of_scope() -> None:
    outcomes = [
        said("answer", 0.7, "b"),
        said("answer", 0.9, "b"),
        said("answer", 0.99, "a", expected=""),
        said("answer", 1.0, "a"),
    ]
    assert [each.sure for each in misses(outcomes, 10)] == [0.9, 0.7, 0.99]
    assert [each.sure for each in misses(outcomes, 1)] == [0.9]


def test_changes_between_two_systems() -> None:
    before = [
        said("answer", 0.1, "b"),
        said("answer", 0.2, "a"),
        said("answer", 0.3, "a"),
        said("answer", 0.4, "a", ""),
    ]
    after = [said("answer", 0.1, "a"), said("answer", 0.2, "b"), said("answer", 0.3, "a"), said(None, 0.4, "a", "")]
    found = changes(before, after)
    assert (found.fixed, found.broken, found.chance) == (("answer 0.1",), ("answer 0.2",), 1.0)


def test_ranks_count_documents_where_documents_are_expected() -> None:
    hits = [Seen(f"{document}#{at}", document, document, "") for at, document in enumerate("aabbc")]
    assert rank_of(Wanted(documents=frozenset("c")), hits) == 3
    assert rank_of(Wanted(entries=frozenset({"c#4"})), hits) == 5
    assert rank_of(Wanted(documents=frozenset("d")), hits) == 0


# --- Asking ----------------------------------------------------------------------------------------


class Echo:
    """An Asker whose only hit for a question is the question itself; it takes a second to answer a batch."""

    name = "echo"

    def __init__(self) -> None:
        self.now = 0.0
        self.batches: list[int] = []
        self.depths: set[int] = set()

    def search(self, texts: Sequence[str], k: int) -> list[EchoReply]:
        self.now += 1.0
        self.batches.append(len(texts))
        self.depths.add(k)
        return [EchoReply(text) for text in texts]

    def close(self) -> None: ...


class EchoReply:
    def __init__(self, text: str) -> None:
        self._text = text

    def through(self, channels: Channels) -> Got:
        return Got("answer" if channels == "all" else None, 1.0, True, (Seen(self._text, "d", "d", "t"),))


def test_every_question_meets_its_own_expectation_over_batches() -> None:
    echo = Echo()
    asked = [Asked(f"q:{at}", f"id{at}", (f"id{at}",)) for at in range(600)]
    wanted = [Wanted(frozenset(each.expected)) for each in asked]
    systems: list[tuple[Channels, list[Wanted]]] = [("all", wanted), ("lexical", wanted[::-1])]
    (first, second), per_s = evaluate(echo, asked, systems, clock=lambda: echo.now)
    assert [each.rank for each in first] == [1] * 600
    assert [each.rank for each in second] == [0] * 600
    assert (echo.batches, per_s) == ([256, 256, 88], 200.0)
    assert echo.depths == {EVERY_CANDIDATE}


def test_single_questions_are_timed_on_a_sample() -> None:
    echo = Echo()
    asked = [Asked(f"q:{at}", f"id{at}", ()) for at in range(1_001)]
    found = speed(echo, asked, 7.0, clock=lambda: echo.now)
    assert (found.p50_ms, found.p99_ms, found.per_s) == (1_000.0, 1_000.0, 7.0)
    assert len(echo.batches) == 5 + 167
    assert echo.depths == {CONSIDERED}


# --- End to end ------------------------------------------------------------------------------------


def written(folder: Path, name: str, content: str) -> None:
    (folder / name).write_bytes(content.encode())


FAQ = """id,question,answer,similar
refund,How do I get a refund?,Ask for it in the app.,refund please|money back
parcel,Where is my parcel?,See the tracking page.,track my parcel|has it shipped
invoice,Where is my invoice?,It is in your mail.,send me the bill|I need a receipt
"""
QUESTIONS = """question,expected
where is my parcel,parcel
How do I get a refund,refund
a refund pls,How do I get a refund?
invoice where is my,invoice|parcel
qqqq zzzz xxxx,none
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Runs `kefu eval` in a folder with FAQ and QUESTIONS, on an encoder without a model."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setattr("knowledge.embedder.Embedder", lambda *_, **__: Letters())
    written(tmp_path, "faq.csv", FAQ)
    written(tmp_path, "questions.csv", QUESTIONS)
    app = typer.Typer()
    app.command()(cli_eval.evaluate)

    def invoke(*arguments: str) -> str:
        result = CliRunner().invoke(app, arguments)
        if result.exception is not None:
            raise result.exception
        return result.stdout

    yield invoke


def test_an_evaluation_in_this_process(run: Callable[..., str], tmp_path: Path) -> None:
    told = run("questions.csv", "--knowledge", "faq.csv", "--compare", "channels=lexical", "--compare",
               "channels=no-head", "--json", "out.json", "--misses", "3")  # fmt: skip
    assert "5 questions, 4 in scope, 1 that must not be answered" in told
    for name in ("hit@1", "hit@5", "MRR", "coverage at 95 %, in scope", "AUROC", "one question p50, ms"):
        assert name in told
    assert "From channels=all to channels=lexical" in told
    found = json.loads((tmp_path / "out.json").read_bytes())
    every, lexical, untrained = found["systems"]
    assert [each["configuration"] for each in found["systems"]] == [
        "channels=all",
        "channels=lexical",
        "channels=no-head",
    ]
    assert every["summary"]["in_scope"] == 4
    assert len(every["outcomes"]) == 5
    first, second, third, fourth, last = every["outcomes"]
    assert (first["rank"], first["kind"], first["sure"], first["hits"][0]["id"]) == (1, "answer", 0.99, "parcel")
    assert second["rank"] == 1
    assert third["expected"] == ["How do I get a refund?"]
    assert fourth["rank"] in (1, 2)
    assert last["expected"] == []
    assert last["rank"] == 0
    # BM25 alone orders, but does not answer; it shares the search of the first, the untrained one does not.
    assert {each["kind"] for each in lexical["outcomes"]} == {None}
    assert [each["rank"] for each in lexical["outcomes"][:2]] == [1, 1]
    assert (lexical["speed"], lexical["summary"]["answered"]) == (None, None)
    assert untrained["speed"]["p50_ms"] > 0
    assert set(found["changes"]) == {"fixed", "broken", "chance"}


def test_documents_in_a_folder_are_expected_by_their_path(run: Callable[..., str], tmp_path: Path) -> None:
    for name, text in (("cancel", "Cancel an order in the app."), ("quiz", "Jazz quiz by Fox.")):
        (tmp_path / "docs" / "help").mkdir(parents=True, exist_ok=True)
        written(tmp_path, f"docs/help/{name}.md", f"# {name.title()} page\n\n{text}\n\n## More\n\n{text} Again.\n")
    written(tmp_path, "q.csv", "question,expected\ncancel an order,help/cancel.md\njazz quiz,Quiz page\n")
    told = run("q.csv", "--knowledge", "docs", "--json", "out.json")
    assert "docs: 2 documents, 4 entries" in told
    (system,) = json.loads((tmp_path / "out.json").read_bytes())["systems"]
    assert system["summary"]["hit_1"] == 1.0
    assert "No question was missed." in told


def test_another_knowledge_beside_the_first(run: Callable[..., str], tmp_path: Path) -> None:
    written(tmp_path, "more.csv", FAQ + "open,When are you open?,From nine to five.,\n")
    written(tmp_path, "q.csv", QUESTIONS + "when are you open,open\n")
    told = run("q.csv", "--knowledge", "faq.csv", "--compare", "knowledge=more.csv")
    assert "fixed  when are you open" in told


def test_what_cannot_be_evaluated(run: Callable[..., str], tmp_path: Path) -> None:
    written(tmp_path, "q.csv", "question,expected\nwhere,nowhere\n")
    with pytest.raises(QuestionsInvalid, match="1 expected value is nowhere in the knowledge"):
        run("q.csv", "--knowledge", "faq.csv")
    with pytest.raises(InvalidRequest, match="files have no versions"):
        run("questions.csv", "--knowledge", "faq.csv", "--config", "version=3")
    with pytest.raises(InvalidRequest, match="give --knowledge"):
        run("questions.csv", "--config", "channels=no-head")
    with pytest.raises(Unreadable, match="no such file"):
        run("questions.csv", "--knowledge", "nothing.csv")


def test_an_untrained_knowledge_has_learnt_nothing(tmp_path: Path) -> None:
    written(tmp_path, "faq.csv", FAQ)
    documents, _ = read_documents([tmp_path / "faq.csv"])
    heads = []
    for trained in (True, False):
        knowledge = LocalKnowledge("faq", documents, Letters(), trained=trained)
        (reply,) = knowledge.search(["send me a refund"], 5)
        heads.append(any(hit.evidence[HEAD] for hit in reply.found.hits))
        knowledge.close()
    assert heads == [True, False]


def test_two_documents_of_one_name_are_not_mixed(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        written(tmp_path / folder, "faq.csv", FAQ)
    with pytest.raises(Unreadable, match=r"there are two documents 'faq\.csv'"):
        read_documents([tmp_path / "a", tmp_path / "b"])


# --- A running Kefu --------------------------------------------------------------------------------


class Api:
    """The API: every question finds two hits, and is asked back."""

    def __init__(self) -> None:
        self.asked: list[Mapping[str, Any]] = []

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        assert path == "/search"
        self.asked.append(body)
        hits = tuple(hit(each, bm25) for each, bm25 in (("refund", 0.2), ("parcel", 0.7)))
        found = Found(4, "en", hits, Confidence(0.5, 0.6), 0.1)
        answer = Answer("clarify", "Which?", "en", 0.6, 4, "m", options=(Option("parcel", "Parcel?"),))
        results = [testing.result(each, Inspected(found, answer)) | {"first": 0.5} for each in body["questions"]]
        decoded: dict[str, Any] = json.loads(msgspec.json.encode({"results": results}))
        return decoded

    def lines(self, method: str, path: str, query: Mapping[str, str | int] | None = None) -> Iterator[str]:
        assert (method, path) == ("GET", "/export")
        self.asked.append(query or {})
        entry = Entry("refund", en=Side("Refund?", "Yes."))
        line = showing.exported(Document("faq.csv", "The FAQ", "faq.csv", (entry,)), entry, ())
        yield msgspec.json.encode(line).decode()
        yield ""


def hit(entry: str, bm25: float) -> Hit:
    evidence = tuple(bm25 if name == "bm25" else 0.0 for name in EVIDENCE)
    return Hit(entry, 1, "faq", "faq.csv", "faq.csv", "en", entry, "Yes.", 1.0, evidence, False)


def test_a_running_kefu_is_asked_in_a_batch() -> None:
    api = Api()
    server = Server("http://kefu", api, version=4, collection="faq")
    replies = server.search(["where is my refund", "parcel"], 100)
    assert api.asked == [{"questions": ["where is my refund", "parcel"], "k": 50, "version": 4, "collections": ["faq"]}]
    got = replies[0].through("all")
    assert (got.kind, got.sure, got.options, got.version) == ("clarify", 0.5, ("parcel",), 4)
    assert [hit.id for hit in got.hits] == ["refund", "parcel"]
    lexical = replies[0].through("lexical")
    assert (lexical.kind, lexical.sure, [hit.id for hit in lexical.hits]) == (None, 0.7, ["parcel", "refund"])
    assert server.inventory().find("refund?").entries == {"refund"}
    assert server.inventory().find("the faq").documents == {"faq.csv"}
    assert api.asked[1:] == [{"version": 4}] * 2
    with pytest.raises(InvalidRequest):
        replies[0].through("no-head")
