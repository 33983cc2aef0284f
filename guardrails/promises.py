"""What a reply commits the company to, and whether a passage or a tool's result commits it, too."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from msgspec import Struct

from guardrails.claims import claims

Sort = Literal["commits", "guarantees", "entitles", "claims"]


class Promise(Struct, frozen=True):
    """`commits`: we will do it; `guarantees`; `entitles`: you have a right to it; `claims`: we have done it.

    `matters`: what it is about, by name. `urgent`: at once or today.
    """

    sort: Sort
    matters: frozenset[str]
    urgent: bool
    assured: bool
    words: str


_MATTERS: dict[str, re.Pattern[str]] = {
    name: re.compile(pattern)
    for name, pattern in {
        "refund": r"\brefund|\breimburs|\bmoney back|\bpay(?:ing)? (?:you )?back|退款|退钱|退还|退费|返还|返现|报销"
        r"|全额退|退回",
        "compensate": r"\bcompensat|\bcredit(?:ed|s)? (?:to )?(?:you|your)|\b(?:store|account|travel) credit"
        r"|\bvoucher|\bcertificate|\bcoupon|\bdiscount|\bgift card|\bgoodwill"
        r"|赔|补偿|代金券|优惠券|赠送|打折|折扣|红包",
        "replace": r"\breplac|\bexchang|\bnew one\b|换货|更换|换新|补发|重发|重新发",
        "deliver": r"\bship|\bdeliver|\bdispatch|\b(?:send|sent|sending)\b|\barriv|发货|送达|寄出|派送|到货|送到|寄给"
        r"|发出|配送",
        "cancel": r"\bcancel|取消|撤销",
        "waive": r"\bwaiv|\bfree of charge|\bno (?:extra )?(?:charge|cost|fee)|\bfor free\b|免费|免除|减免|免收|免邮"
        r"|包邮",
        "repair": r"\brepair|\bfix(?:ed)?\b|\bresolv|\bsolv|修复|解决|维修|修好",
        "upgrade": r"\bupgrad|升级",
        "contact": r"\b(?:call|contact|phone|email|e-mail|reach|notify|inform)(?:ed)? you\b"
        r"|\bget back to you|\bfollow up|联系您|联系你|回电|致电|回复您|通知您|通知你",
        "approve": r"\bapprov|\baccept(?:ed)? your|批准|通过(?:了)?(?:您|你)|审核通过",
        "change": r"\b(?:changed?|updated?|modif\w+|chang\w+ your)\b|修改|更改|变更|更新",
        "book": r"\bbook(?:ed|ing)?\b|\breserv|预订|预约",
        "handle": r"\bprocess(?:ed|ing)?\b|\bsubmitt?(?:ed)?\b|\bissued?\b|\bcredited\b|\bcharged\b"
        r"|\bapplied\b|\bcreated\b|\bextend(?:ed)?\b|\bactivat\w+|处理|提交|登记|办理|受理|申请好|开具|开好|延长|激活"
        r"|开通",
    }.items()
}
# Money that went to the customer: what a claim is about where it does not say what the money is for.
_PAID = re.compile(
    r"\bpa(?:y|id)|\btransferr|\btransfer\b|\bdeposit|\bcredited|\bwired|\brefund|\breturned|\breimburs|\breversed"
    r"|\breleased|到账|入账|打款|打到|打给|转账|转入|汇款|汇出|汇到|退|支付"
)
_OF_CUSTOMER = re.compile(r"\b(?:you|your|yours|i|i've)\b|您|你")
_URGENT = re.compile(
    r"\btoday\b|\bimmediate|\bright away\b|\bright now\b|\bat once\b|\binstant|\bstraight away\b"
    r"|\basap\b|\bas soon as possible\b|\btomorrow\b|\btonight\b|\bwithin the hour\b|\bshortly\b"
    r"|\bfirst thing\b|马上|立即|立刻|今天|今日|今晚|尽快|第一时间|当天|即刻|明天|这就"
)
_ASSURED = re.compile(
    r"\bguarante|\bpromis|\bassur|\bdefinitely\b|\bcertainly\b|\bfor sure\b|\bwithout fail\b"
    r"|\babsolutely\b|\b100 ?%|\bno matter what\b|\bsurely\b|保证|承诺|一定(?:会|能|可|给|帮|为|在)|肯定(?:会"
    r"|能|可|给|在)|绝对|务必|百分之百|百分百|包您|包你|确保"
)
_GUARANTEES = re.compile(
    r"\b(?:i|we)(?:'ll| will| can| do|'d)? (?:\w+ )?(?:guarantee|promise|assure)\b"
    r"|\byou have my word\b|\b(?:is|are|it's) (?:100 ?% )?guaranteed\b|\brest assured\b|保证|承诺"
    r"|包您|包你|百分之百|百分百|绝对(?:会|能|不会|没)|一定(?:会|能|给您|帮您|为您)|肯定(?:会|能|给您)"
)
_NO_GUARANTEE = re.compile(
    r"\b(?:can(?:not|'t)|not|n't|unable to|never|no) (?:\w+ ){0,2}(?:guarantee|promise|assure)|(?:不能"
    r"|无法|不|没法)(?:\w{0,3})?(?:保证|承诺)|(?:price|satisfaction|money-back|best-price) guarantee|保证金|质量保证"
)
_ENTITLES = re.compile(
    r"\byou(?:'re| are| will be|'ll be)(?: \w+)? (?:entitled|eligible)\b"
    r"|\byou (?:\w+ )?(?:have (?:the|a) right|qualify)\b|\byou(?:'ll| will) (?:\w+ )?(?:get"
    r"|receive|have|be (?:given|paid|refunded|credited|compensated|reimbursed))\b|(?:您|你)(?:有权|享有"
    r"|可以享受|可享受|符合|有资格|将获得|会获得|将得到|会得到|会收到|将收到)"
)
_COMMITS = re.compile(
    r"\b(?:we|i|our (?:team|staff|courier|warehouse|support)\b[^.!?]{0,20}?|the (?:team|shop|store|company"
    r"|courier|warehouse)|someone|an? (?:agent|colleague|manager|specialist))"
    r"(?:'ll| will| shall|'re going to| are going to|'m going to| am going to| is going to)\b"
    r"(?! (?:also |just |then |first )?(?:need|require|have to|check|look|help|assist|transfer|connect|ask|see|try|pass"
    r"|forward|be (?:happy|glad|able)))|\b(?:i|we)(?:'m"
    r"| am|'re| are) (?:now |already )?(?:refund|issu|send|ship|cancel|process|credit|waiv|replac"
    r"|upgrad)\w*ing\b|\byour (?:\w+ ){1,3}(?:will|shall) be (?:\w+ )?(?:refund|replac|ship|deliver|sent|cancel"
    r"|waiv|credit|compensat|upgrad|repair|approv|process|issu)\w*"
    r"|(?:我们?|我司|本店|商家|客服|同事|系统)(?:这边|这里)?(?:将|会|马上|立即|立刻|今天|尽快|这就|一定|保证|来)"
    r"|(?:马上|立即|立刻|这就|今天)(?:就)?(?:会|将)?(?:给|为|帮)(?:您|你)|(?:会|将)(?:尽快|马上|立即"
    r"|立刻)?(?:给|为|帮|向)(?:您|你)|(?:给|为|帮)(?:您|你)(?:免费|全额|马上|立即)"
)
_NEGATED = re.compile(
    r"\b(?:won't|will not|cannot|can't|can not|unable|unfortunately|not able|do not|don't|does not"
    r"|doesn't|isn't|is not|aren't|are not|never|no longer|hasn't|haven't|has not|have not|not been"
    r"|not be)\b|不会|不能|无法|不予|不支持|没有|不可|未能|尚未|还没|不提供|抱歉"
)
_QUESTION = re.compile(
    r"[?？]\s*\Z|\b(?:would|do|shall|should|could|may|can) (?:you|i|we)\b[^.!]{0,80}[?]|(?:吗|呢)[?？]?\s*\Z"
)
# How a policy says that the company does it.
_POLICY = re.compile(
    r"\bwe\b|\bwill\b|\b(?:is|are|be|gets?) (?:\w+ )?(?:\w+ed|issued|paid|sent|made|given|shipped|free)\b"
    r"|\byou(?:'ll| will)? (?:get|receive)\b|\barrives?\b|\btakes?\b|\bautomatic|\bentitled\b|\beligible\b"
    r"|\bfree\b"
    r"|我们|将|会|予以|给予|为您|到账|自动|可获|可享|有权|免费|内(?:退|发|送|寄|处理|完成|补|换)"
)
_RIGHT = re.compile(
    r"\bentitled\b|\beligible\b|\bqualif|\bcan\b|\bmay\b|\byou(?:'ll| will)?\b|\bwe\b"
    r"|\bright to\b|\bcustomers?\b|\bwill be\b|可以|可享|有权|享有|享受|符合|支持|可获|将|会|均可|即可"
)
_FAILED = re.compile(
    r"\b(?:fail|denied|deny|reject|error|declin|ineligible|not[_ ]eligible|refused|not[_ ]found"
    r"|unavailable)\w*|(?:ok|success|approved|refunded|cancelled|eligible)\W{1,4}false\b|拒绝|失败|不符合|未通过"
)


def promises(sentence: str) -> Iterator[Promise]:
    """Of one sentence in lower case; questions and refusals promise nothing."""
    if _QUESTION.search(sentence):
        return
    matters = frozenset(name for name, pattern in _MATTERS.items() if pattern.search(sentence))
    urgent, assured = bool(_URGENT.search(sentence)), bool(_ASSURED.search(sentence))
    if _GUARANTEES.search(sentence) and not _NO_GUARANTEE.search(sentence):
        yield Promise("guarantees", matters, urgent, True, sentence)
        return
    done = [
        Promise("claims", _claimed(words, matters), urgent, assured, sentence)
        for words in dict.fromkeys(claims(sentence))
    ]
    if done:
        yield from done
    elif _NEGATED.search(sentence):
        return
    elif _ENTITLES.search(sentence):
        yield Promise("entitles", matters, urgent, assured, sentence)
    elif _COMMITS.search(sentence) and (
        matters - {"contact", "handle", "repair", "change"} or (matters and (urgent or assured))
    ):
        yield Promise("commits", matters, urgent, assured, sentence)


def _claimed(words: str, matters: frozenset[str]) -> frozenset[str]:
    """What the words of a claim are about; where they do not say, what its sentence is about."""
    of_words = frozenset(name for name, pattern in _MATTERS.items() if pattern.search(words))
    if of_words & {"refund", "compensate"}:
        # A refund that was sent is no delivery.
        of_words -= {"deliver", "approve"}
    if of_words - {"handle", "change", "deliver"}:
        return of_words
    if _PAID.search(words):
        return matters & {"refund", "compensate"} or frozenset({"pay"})
    return of_words if of_words - {"handle", "change"} else matters


def is_grounded(promise: Promise, passages: Sequence[str], results: Sequence[str]) -> bool:
    """`passages`: sentences in lower case; `results`: tools' results, in lower case, each whole.

    That something was done for this customer only a result can show; a passage, what was done for all.
    """
    if any(_supports_as_result(promise, each) for each in results):
        return True
    if promise.sort == "claims":
        return not _OF_CUSTOMER.search(promise.words) and any(_says_so(promise, each) for each in passages)
    return any(_supports(promise, each) for each in passages)


def _says_so(claim: Promise, sentence: str) -> bool:
    """Whether a passage claims the same."""
    said = [each for each in promises(sentence) if each.sort == "claims"]
    return bool(claim.matters) and any(claim.matters - {"handle"} <= each.matters for each in said)


def _supports(promise: Promise, sentence: str) -> bool:
    if _NEGATED.search(sentence) or (promise.urgent and not _same_urgency(promise.words, sentence)):
        return False
    if promise.assured and not _ASSURED.search(sentence):
        return False
    if not promise.matters:
        return _overlap(promise.words, sentence) >= 0.6
    of_sentence = {name for name, pattern in _MATTERS.items() if pattern.search(sentence)}
    wanted = promise.matters - {"handle", "contact"} or promise.matters
    return wanted <= of_sentence and (_RIGHT if promise.sort == "entitles" else _POLICY).search(sentence) is not None


_IN_OTHER_WORDS: tuple[re.Pattern[str], ...] = tuple(
    re.compile(each)
    for each in (
        r"\btoday\b|\btonight\b|\bsame[- ]day|今天|今日|今晚|当天",
        r"\btomorrow\b|\bnext[- ]day|明天|次日",
        r"\bimmediate|\bright away|\bright now|\bat once|\binstant|\bstraight away|马上|立即|立刻|即刻|这就|第一时间",
        r"\basap\b|\bas soon as possible|\bshortly|尽快",
    )
)


def _same_urgency(one: str, other: str) -> bool:
    """Whether both are urgent in the same way, whatever the language."""
    return all(each.search(other) for each in _IN_OTHER_WORDS if each.search(one))


def _supports_as_result(promise: Promise, result: str) -> bool:
    if _FAILED.search(result) or promise.sort == "guarantees":
        return False
    if promise.urgent and promise.sort != "claims" and not _same_urgency(promise.words, result):
        return False
    of_result = {name for name, pattern in _MATTERS.items() if pattern.search(result.replace("_", " "))}
    wanted = promise.matters - {"handle", "contact", "change"}
    if "pay" in wanted and _PAID.search(result.replace("_", " ")):
        of_result.add("pay")
    return wanted <= of_result if wanted else bool(promise.matters and result.strip())


def _overlap(one: str, other: str) -> float:
    """Share of the words of `one`, or of its Chinese characters, that `other` has."""
    words = set(re.findall(r"[a-z]{4,}|[\u4e00-\u9fff]", one))
    return len(words & set(re.findall(r"[a-z]{4,}|[\u4e00-\u9fff]", other))) / len(words) if words else 0.0
