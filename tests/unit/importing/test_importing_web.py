"""HTML: the page's own words under its headings, and nothing of its frame."""

from __future__ import annotations

import pytest

from knowledge.entries import Side
from knowledge.importing.reading import Unreadable, read


def sides(body: str, head: str = "") -> list[tuple[str, str, str]]:
    page = f"<!doctype html><html><head>{head}</head><body>{body}</body></html>"
    found = []
    for entry in read("https://shop.example/help", page.encode()).documents[0].entries:
        side = entry.side("en")[1]
        found.append((entry.kind, side.question, side.answer))
    return found


def test_the_frame_is_dropped_and_structure_kept() -> None:
    body = """
    <header><a href=/>Shop</a></header><nav><ul><li>Home<li>Cart</ul></nav>
    <h1>Returns</h1><p>Send it <b>back</b>,<br>within <a href=x>30&nbsp;days</a>.</p>
    <h2>Steps</h2><ol><li>Open it<li>Click<ul><li>twice</ul></ol>
    <pre>code  kept</pre>
    <table><tr><th>City<th>Days<tr><td>Bonn<td>2</table>
    <script>evil()</script><style>p{}</style><footer>All rights reserved</footer>"""
    assert sides(body) == [
        ("passage", "Returns", "Send it back,\nwithin 30 days."),
        ("passage", "Returns › Steps", "1. Open it\n2. Click\n  - twice\n```\ncode  kept\n```\nCity | Days\nBonn | 2"),
    ]


def test_only_the_main_part_is_read_where_there_is_one() -> None:
    words = "We take back everything within thirty days of its delivery. " * 5
    assert sides(f"<div>Sale!</div><main><header><h1>Returns</h1></header><p>{words}</p></main><div>Ad</div>") == [
        ("passage", "Returns", words.strip())
    ]


def test_questions_that_unfold_and_lists_of_definitions() -> None:
    body = """<h1>Help</h1><details><summary><h3>Do you ship?</h3></summary><p>Yes.</p></details><p>Other words.</p>
    <dl><dt>What is a voucher?</dt><dd>Money.</dd><dt>Can I sell it?</dt><dd>No.</dd></dl>"""
    assert sides(body) == [
        ("faq", "Do you ship?", "Yes."),
        ("faq", "What is a voucher?", "Money."),
        ("faq", "Can I sell it?", "No."),
        ("passage", "Help", "Other words."),
    ]


def test_the_title_is_the_only_h1_else_that_of_the_head() -> None:
    assert sides("<p>Words.</p>", "<title>Our  shop</title>") == [("passage", "Our shop", "Words.")]
    assert sides("<h1>Returns</h1><p>Words.</p>", "<title>Our shop</title>") == [("passage", "Returns", "Words.")]


def test_deep_nesting_is_read_or_refused_but_never_crashes() -> None:
    assert sides("<div>" * 1500 + "deep" + "</div>" * 1500) == [("passage", "help", "deep")]
    with pytest.raises(Unreadable, match="deep"):
        sides("<div>" * 200_000 + "deep")


def test_broken_markup_is_read_as_browsers_do() -> None:
    assert sides("<h2>A<p>one<p>two</h2><li>three</ul></div>")[-1][2].endswith("three")


def test_a_pdf_name_with_a_page_in_it_is_read_as_a_page_and_noted() -> None:
    found = read("manual.pdf", b"<html><body><p>Please log in first.</p></body></html>")
    assert found.documents[0].entries[0].en == Side("manual", "Please log in first.")
    assert "web page by its content" in found.notes[0].reason


def test_a_page_without_words_is_refused() -> None:
    with pytest.raises(Unreadable, match="holds no text"):
        read("a.html", b"<html><body><nav>Home</nav><script>app()</script></body></html>")


def test_a_page_without_head_and_body_tags_is_read() -> None:
    page = "<html><title>Shop</title><main><h1>Returns</h1><p>Send it back within 30 days.</p></main>"
    (document,) = read("p.html", page.encode()).documents
    assert [entry.en.answer for entry in document.entries if entry.en] == ["Send it back within 30 days."]
    assert "Shop" not in document.entries[0].en.answer  # type: ignore[union-attr]
