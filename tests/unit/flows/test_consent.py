"""What is taken for a customer's yes to something that is about to be done: a bare yes, and nothing else."""

from __future__ import annotations

import pytest

from flows.phrases import consent, plain

YES = """yes|Yes, please.|ok|OK!|sure, go ahead|yes go ahead|that's fine|that works, thanks|confirm|I agree|do it please
yep|Yes, go ahead|是|是的|好的|好的，谢谢|好吧|可以|可以的|行|嗯嗯|确认|没问题|是的，请执行|同意
麻烦您了，好的|退吧|确定办理吧"""
NO = """no|nope|No, don't|no thanks|don't do it|cancel|never mind|not yet|不|不用了|不要|取消|算了|先不退|别|没有"""
NEITHER = """ok wait|go ahead and cancel it|I do want to keep it after all|I have to think about it
it is a gift, keep it|do it tomorrow|yes, only 5 EUR|yes if you pay the label
ok let me ask my wife|yes but only half|yes?|ok?|right?|do it?
OK，取消|好，取消吧|是的，取消|好的等一下|嗯我再想想|对了，我想换个地址|行李箱也坏了|可以换货|确认一下金额
嗯？|确认？|可以？|好的，不过先等等|please|thanks|谢谢|maybe|也许|what?|KF-20417||how long does it take?
ok so what now|好的那多久能到"""


def each(texts: str) -> list[str]:
    return [text for line in texts.split("\n") for text in line.split("|")]


@pytest.mark.parametrize("text", each(YES))
def test_a_bare_yes(text: str) -> None:
    assert consent(plain(text)) is True


@pytest.mark.parametrize("text", each(NO))
def test_a_no(text: str) -> None:
    assert consent(plain(text)) is False


@pytest.mark.parametrize("text", each(NEITHER))
def test_what_is_no_consent(text: str) -> None:
    assert consent(plain(text)) is not True
