"""The chat page as a customer uses it, on a phone, in English and in Chinese."""

from __future__ import annotations

from playwright.sync_api import Page, expect


def in_chinese(page: Page) -> bool:
    return page.evaluate("document.documentElement.lang").startswith("zh")


def say(page: Page, text: str) -> None:
    page.locator("#input").fill(text)
    page.locator("#input").press("Enter")


def test_a_suggested_question_is_answered_with_its_source(page: Page) -> None:
    question = "怎么退款?" if in_chinese(page) else "How do I get a refund?"
    page.locator("#suggestions").get_by_text(question).click()
    expect(page.locator("#log")).to_contain_text("退款" if in_chinese(page) else "refund the original payment method")
    source = page.locator("#log details").first
    source.locator("summary").click()
    expect(source).to_have_attribute("open", "")
    expect(source).to_contain_text(question)
    with page.context.expect_page() as opened:
        source.get_by_role("link").click()
    expect(opened.value.locator("body")).to_contain_text('"id":"refund-how","revision":1')


def test_the_conversation_is_there_again_after_a_reload(page: Page) -> None:
    say(page, "How do I get a refund?")
    expect(page.locator("#log")).to_contain_text("My Orders")
    say(page, "thanks")
    typing = "正在输入" if in_chinese(page) else "is typing"
    expect(page.locator("#log > *")).to_have_count(2)
    expect(page.locator("#log")).not_to_contain_text(typing)
    before = page.locator("#log").inner_text()
    page.reload()
    expect(page.locator("#log")).to_have_text(before, use_inner_text=True)


def test_a_message_written_while_offline_is_answered_once_after_the_reconnect(page: Page) -> None:
    say(page, "hello")
    expect(page.locator("#log > *")).to_have_count(1)
    page.context.set_offline(True)
    page.evaluate("dispatchEvent(new Event('offline'))")
    say(page, "How do I get a refund?")
    page.context.set_offline(False)
    expect(page.locator("#log")).to_contain_text("My Orders", timeout=20_000)
    assert page.locator("#log").inner_text().count("How do I get a refund?") >= 1
    page.reload()
    expect(page.locator("#log")).to_contain_text("My Orders")
    expect(page.locator("#log > *")).to_have_count(2)


def test_hostile_text_stays_text(page: Page) -> None:
    say(page, "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>")
    expect(page.locator("#log")).to_contain_text("<img src=x")
    assert page.locator("#log img, #log script").count() == 0
    assert page.title() != "owned"


def test_what_is_not_known_offers_a_person(page: Page) -> None:
    say(page, "今天股市怎么样" if in_chinese(page) else "What is the weather in Paris?")
    person = page.get_by_role("button", name="转人工" if in_chinese(page) else "Talk to a person")
    person.click()
    expect(page.locator("#log > *")).to_have_count(2)


def test_the_page_asks_nobody_else_for_anything_and_fits_the_screen(page: Page) -> None:
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    page.reload()
    expect(page.locator("#status")).not_to_be_empty()
    assert hosts == {page.url.split("/")[2]}
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
