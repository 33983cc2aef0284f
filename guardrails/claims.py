"""Where a sentence says that something has been done: actively, passively, or that it is under way."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator

# What a company owes: as the subject of a passive, it has been paid, and not by the customer.
_OWED = r"(?:refund|reimbursement|repayment|compensation|payout|voucher|goodwill (?:credit|payment))s?"
# What either side may have paid.
_MONEY = (
    r"(?:amount|sum|money|funds|credit|payment|difference|balance|[€$£¥] ?\d[\d.,]{0,20}"
    r"|\d[\d.,]{0,20} ?(?:eur|usd|gbp|cny|rmb|jpy|hkd|chf|cad|aud|sgd|€|dollars|euros|pounds|yuan))"
)
# On the way from a subject to its verb: not into another clause, but through the comma of a number.
_ON = r"(?:(?!\b(?:and|but|so|because) )(?:[^,:!?;]|,(?=\d))){0,60}?"
_OWED_DONE = (
    r"(?:paid|issued|processed|sent|credited|transferred|deposited|returned|released|completed|approved"
    r"|finali[sz]ed|refunded|made|posted|initiated|arranged|granted|applied|wired|disbursed|settled|confirmed|given)"
)
_MONEY_DONE = (
    r"(?:transferred|returned|refunded|reimbursed|sent|deposited|credited|wired|reversed|released"
    r"|(?:paid|given) (?:out|back|to you)|(?:paid|sent) (?:in)?to your)"
)
_ENGLISH = (
    r"\b(?:i|we)(?:'ve| have| just)? (?:(?:just|already|now|successfully|gone ahead and"
    r"|also) ){0,2}(?:refunded|reimbursed|cancelled|canceled|issued|processed|updated|changed|modified"
    r"|sent|shipped|credited|booked|replaced|approved|waived|upgraded|submitted|applied|created|extended"
    r"|activated|resolved|fixed|compensated|exchanged|charged)\b",
    r"\b(?:i|we)(?:'ve| have| just)? (?:(?:just|already|now|successfully|gone ahead and|also) ){0,2}"
    r"(?:transferred|returned|deposited|wired|paid)"
    r" (?:you\b|the (?:money|amount|refund)|your (?:money|refund)|[€$£¥\d])",
    rf"\b{_OWED}\b{_ON}\b(?:has|have|had)(?: \w+)? been (?:\w+ ){{0,2}}?{_OWED_DONE}\b",
    rf"\b{_OWED}\b{_ON}\b(?:was|were) (?:\w+ ){{0,2}}?{_OWED_DONE}\b",
    rf"\b{_OWED}\b{_ON}\b(?:(?:has|have)(?: \w+)? (?:gone through|arrived|cleared|posted|reached|landed)\b"
    r"|(?:went|came) through\b)",
    rf"\b(?:your|the|this) (?:\w+ )?{_OWED}\b{_ON}\b(?:is|are) (?:now |already |all )?"
    r"(?:on (?:its|the|their) way\b|in your (?:\w+ )?account\b|(?:complete|done)\b(?! (?:with)?in\b)"
    r"|being (?:processed|issued|paid|sent|transferred)\b)",
    rf"(?:\b|(?=[€$£¥])){_MONEY}(?!\w){_ON}\b(?:(?:has|have)(?: \w+)? been|was|were) (?:\w+ ){{0,2}}?{_MONEY_DONE}\b",
    r"\b(?:has|have) (?:\w+ )?been (?:\w+ly |already |now |just )?(?:refunded|reimbursed|cancelled|canceled|issued"
    r"|processed"
    r"|updated|changed|modified|sent|shipped|credited|booked|replaced|approved|waived|upgraded|submitted"
    r"|applied|created|extended|activated|resolved|fixed|compensated|exchanged|(?:paid|given) (?:out|back|to you))\b",
)
_OWED_ZH = r"(?:退款|退费|赔款|赔偿|补偿|返现|返还)"
_CHINESE = (
    rf"{_OWED_ZH}[^,。!?;]{{0,12}}?(?:已经?|刚刚?)[^,。!?;]{{0,10}}?(?:到账|入账|支付|付款|发放|打款|打到|打给|转账"
    r"|转到|转入|汇出|汇到|退至|退到|退给|原路|成功|完成|处理|发出|退回|退还|办理|下发|批准|通过)了?(?!的|后|之后|时)",
    rf"{_OWED_ZH}[^,。!?;]{{0,8}}?(?:(?:到账|成功|完成|退回|打款|处理好|办好|办妥)了|(?:成功|完成)(?=[。!]|\Z))",
    r"(?:已经?|刚刚?)(?:成功)?(?:给|为|帮|向|将|把)?(?:您|你)?[^,。!?;]{0,8}?(?:退款|退还|取消"
    r"|修改|更改|更新|处理|提交|登记|补发|换货|补偿|赔偿|发货|寄出|发出|办理|开具|延长|升级|减免|免除|退回|批准"
    r"|开通)(?:了|完成|成功|好)?",
    r"(?:已经?|刚刚?)[^,。!?;]{0,12}?(?:到账|入账|打款|打到|打给|转账|转入|汇款|汇出|汇到|退到|退至|退给|退了)"
    r"了?(?!的|后|之后|时)",
    r"正在(?:给|为|帮)(?:您|你)[^,。!?;]{0,6}?(?:退款|退费|打款|转账|赔)",
)
_CLAIMS = tuple(map(re.compile, (*_ENGLISH, *_CHINESE)))

_CLAUSE = re.compile(r",(?!\d)|[;:](?!\d)")
_NOT = re.compile(
    r"\b(?:won't|cannot|can't|can not|unable|unfortunately|not|never|no|none|nothing|neither|nor|no longer"
    r"|(?:do|does|is|are|has|have|had|was|were)n't)\b"
    r"|不会|不能|无法|不予|不支持|没有|没能|并未|不可|未能|尚未|还没|不提供|抱歉"
)
# What has to happen first, and what is not known.
_CONDITIONAL = re.compile(
    r"\b(?:once|when(?! (?:i|we)\b)|while|as soon as|if|whether|unless|until"
    r"|after(?! (?:check|review|look|verif|confirm|speak|investigat)\w*))\b"
    r"|如果|如(?=您|你|退|订|已|需|有)|若|一旦|是否|有没有|之后|以后"
    r"|(?<!售)(?<!最)(?<!核实)(?<!核查)(?<!查询)(?<!检查)(?<!查看)(?<!沟通)(?<!以)(?<!之)后"
)
_UNKNOWN = re.compile(r"是否|有没有|\bwhether\b|\bif\b")
# Others say so, or it is so of any: "you said that ...", "it should have been ...", "orders that have been ...".
_NOT_OURS = re.compile(
    r"\byou(?:'ve| have)? (?:also )?(?:say|said|mention\w*|told|wrote|report\w*|claim\w*|were told)\b"
    r"|(?:您|你)(?:刚才|之前)?(?:提到|说|反馈|表示|提及)"
    r"|\b(?:should|would|could|might|may|must|will|to) \Z|(?:\bwhich|\bwho|s that) \Z"
)
# Characters before a claim that are looked at for who says it.
_LEAD = 200
_HAS = re.compile(r"\b(?:has|have|had|was|were)\b")


def claims(sentence: str) -> Iterator[str]:
    """The words of each claim of a sentence in lower case, from its subject where money is the subject.

    Not what is denied, reported, supposed, or said to follow from something else.
    """
    spans = sorted({match.span() for each in _CLAIMS for match in each.finditer(sentence)})
    if not spans:
        return
    condition = _CONDITIONAL.search(sentence)
    bounds = [0, *(match.end() for match in _CLAUSE.finditer(sentence)), len(sentence) + 1]
    denied: dict[int, bool] = {}
    taken = 0
    for start, end in spans:
        if start < taken:
            continue
        if condition is not None and condition.end() <= start:
            return
        clause = bisect_right(bounds, start)
        before, after = bounds[clause - 1], bounds[bisect_left(bounds, end, clause)]
        if after not in denied:
            denied[after] = _NOT.search(sentence, before, after) is not None
        words = sentence[start:end]
        verb = _HAS.search(words)
        said_to = start + verb.start() if verb else start
        lead = sentence[max(before, start - _LEAD) : start]
        if (
            denied[after]
            or _UNKNOWN.search(words)
            or _NOT_OURS.search(lead)
            or _NOT_OURS.search(lead + sentence[start:said_to])
        ):
            continue
        taken = end
        yield words
