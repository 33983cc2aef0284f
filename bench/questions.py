"""Question mixes for the benchmark: a shop's questions, in English and Chinese.

Questions are built from templates with slots, and from the demo shop's knowledge base where that is present.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np

KNOWLEDGE = Path(__file__).resolve().parent.parent / "knowledge" / "demo_shop.jsonl"

Slots = dict[str, tuple[str, ...]]


def _slots(table: dict[str, str]) -> Slots:
    """The words of each slot, written with bars between them."""
    return {name: tuple(words.split("|")) for name, words in table.items()}


_EN: Slots = _slots(
    {
        "open": (
            "|Hi, |Hello, |Hey there, |Good morning, |Good evening, |Sorry to bother you, |"
            "Quick question: |Hi team, |One thing, please: |I need some help: |Hello again, "
        ),
        "product": (
            "kettle|rain jacket|office chair|headphones|desk lamp|backpack|running shoes|coffee grinder|"
            "yoga mat|phone case|wool scarf|air fryer|power bank|pillow|bookshelf|water bottle|keyboard|"
            "tent|baby stroller|frying pan|suitcase|camera|electric toothbrush|winter boots|rice cooker|"
            "bike helmet|smart watch|blanket"
        ),
        "look": (
            "blue|black|white|large|small|red|dark green|grey|folding|light|wooden|second-hand|"
            "limited-edition|gift-wrapped|discounted|medium|pink|spare|new|beige"
        ),
        "when": (
            "on Monday|on Tuesday|on Wednesday|on Thursday|on Friday|on Saturday|on Sunday|yesterday|"
            "last week|two days ago|this morning|last month|over the weekend|during the sale|"
            "before the holiday|ten days ago"
        ),
        "due": (
            "by Friday|before Monday|by tomorrow|next week|this weekend|within three days|"
            "before the 15th|by the end of the month|in time for a birthday|on a public holiday|today|"
            "after six in the evening"
        ),
        "city": (
            "Berlin|Leeds|Toronto|Austin|Dublin|Lyon|Madrid|Oslo|Perth|Singapore|Osaka|Rotterdam|Vienna|"
            "Porto|Chicago|Auckland|Seattle|Milan|Gdansk|Cork"
        ),
        "fault": (
            "will not switch on|arrived with a crack|smells of plastic|is missing a screw|"
            "makes a strange noise|is the wrong size|has a scratch on it|came without a manual|"
            "leaks a little|stopped working|looks different from the photo|has a torn seam|"
            "gets far too hot|does not fit|loses its charge in an hour|came in a wet box"
        ),
        "wish": (
            "get a refund|exchange it|have it repaired|send it back free of charge|get a replacement|"
            "keep it at a lower price|talk to a person about it|return it in a store|claim the warranty|"
            "get store credit|cancel the rest of the order|have somebody pick it up"
        ),
        "pay": (
            "a credit card|PayPal|a gift card|Apple Pay|a bank transfer|an invoice|cash on delivery|"
            "three instalments|a company account|store credit|a voucher|Google Pay"
        ),
        "close": (
            "| Thanks!| Thank you.| Please let me know.| It is rather urgent.| Any help is welcome.|"
            " I could not find it on your site.| I already wrote an email.| Cheers.|"
            " Many thanks in advance."
        ),
    }
)

_ZH: Slots = _slots(
    {
        "open": (
            "|你好，|您好，|客服在吗？|请问一下，|麻烦问一下，|早上好，|晚上好，|打扰了，|亲，|"
            "帮我看一下，|想咨询一下，"
        ),
        "product": (
            "电热水壶|冲锋衣|办公椅|耳机|台灯|双肩包|跑鞋|磨豆机|瑜伽垫|手机壳|围巾|空气炸锅|充电宝|枕头|"
            "书架|保温杯|键盘|帐篷|婴儿车|平底锅|行李箱|相机|电动牙刷|雪地靴|电饭煲|头盔|智能手表|毛毯"
        ),
        "look": (
            "蓝色的|黑色的|白色的|大号的|小号的|红色的|墨绿色的|灰色的|折叠款的|轻便的|木质的|二手的|"
            "限量版的|礼盒装的|打折的|中号的|粉色的|备用的|新款的|米色的"
        ),
        "when": ("周一|周二|周三|周四|周五|周六|周日|昨天|上周|前天|今天早上|上个月|周末|大促期间|放假前|十天前"),
        "due": (
            "周五之前|下周一之前|明天|下周|这个周末|三天之内|十五号之前|月底之前|生日之前|节假日|今天|晚上六点以后"
        ),
        "city": (
            "北京|上海|广州|深圳|杭州|成都|武汉|西安|南京|重庆|苏州|青岛|长沙|厦门|昆明|沈阳|大连|合肥|郑州|哈尔滨"
        ),
        "fault": (
            "开不了机|收到就有裂纹|塑料味很重|少了一颗螺丝|有异响|尺码不对|有划痕|没有说明书|有点漏水|"
            "用两天就坏了|和图片不一样|开线了|烫得厉害|装不上|一小时就没电|包装是湿的"
        ),
        "wish": (
            "退款|换货|维修|免邮费退回|补发一件|便宜一点留下|转人工客服|到门店退货|走保修|换成购物金|"
            "取消剩下的商品|安排上门取件"
        ),
        "pay": ("信用卡|支付宝|礼品卡|微信支付|银行转账|对公付款|货到付款|三期分期|企业账户|购物金|优惠券|花呗"),
        "close": ("|谢谢！|谢谢啦。|麻烦尽快回复。|比较着急。|网站上没找到。|我发过邮件了。|辛苦了。|拜托了。|感谢。"),
    }
)

_EN_TEMPLATES = (
    "{open}when will the {look} {product} from order {order} get to {city}? I bought it {when}.{close}",
    "{open}the {look} {product} that I bought {when} {fault}, can I {wish}? The order is {order}.{close}",
    "{open}could order {order} with the {look} {product} be delivered to {city} {due}?{close}",
    "{open}may I pay for the {look} {product} with {pay} and have it in {city} {due}?{close}",
    "{open}I paid with {pay} {when} but see no order {order}, is the {look} {product} sold out?{close}",
    "{open}can I have order {order} sent to {city} instead? I ordered a {look} {product} {when}.{close}",
    "{open}is the {look} {product} in stock in {city} {due}, and do you take {pay}?{close}",
    "{open}my {product} {fault}. It came {when} in order {order}, and I would like to {wish}.{close}",
)
_ZH_TEMPLATES = (
    "{open}我{when}买的那个{look}{product}，订单{order}，什么时候能送到{city}？{close}",
    "{open}{when}买的{look}{product}{fault}，可以{wish}吗？订单号是{order}。{close}",
    "{open}订单{order}里{look}{product}能不能{due}送到{city}？{close}",
    "{open}{look}{product}可以用{pay}付款吗？{due}能送到{city}吗？{close}",
    "{open}我{when}用{pay}付了款，可是查不到订单{order}，{look}{product}是不是没货了？{close}",
    "{open}怎么把订单{order}的地址改到{city}？是{when}下单的{look}{product}。{close}",
    "{open}{city}有{look}{product}现货吗？想{due}拿到，支持{pay}吗？{close}",
    "{open}我的{product}{fault}，{when}收到的，订单{order}，想{wish}。{close}",
)
# The knowledge base's own wordings, each within a customer's circumstances.
_EN_FAQ = (
    "{open}{faq} It is about the {look} {product} that I ordered {when}.{close}",
    "{open}{faq} My order is {order}, for {city}, paid with {pay}.{close}",
    "{open}I have a {look} {product} from {city} which {fault}. {faq}{close}",
    "{open}I am asking about order {order} with the {product}. {faq} I hope to {wish} {due}.{close}",
)
_ZH_FAQ = (
    "{open}{faq}是{when}下单的{look}{product}。{close}",
    "{open}{faq}订单{order}，寄到{city}，用{pay}付的。{close}",
    "{open}在{city}收到的{look}{product}{fault}。{faq}{close}",
    "{open}想问订单{order}的{product}。{faq}希望{due}{wish}。{close}",
)


class _Wording(msgspec.Struct):
    question: str
    paraphrases: list[str] = []


class _Entry(msgspec.Struct):
    en: _Wording
    zh: _Wording


class _Template:
    """One template with its slots: maps each number below `size` to a text of its own."""

    def __init__(self, pattern: str, slots: Slots) -> None:
        names = [part.split("}", 1)[0] for part in pattern.split("{")[1:]]
        self.pattern = pattern.replace("%", "%%")
        for name in names:
            self.pattern = self.pattern.replace("{" + name + "}", "%s")
        self.choices = [slots[name] for name in names]
        self.size = math.prod(len(choice) for choice in self.choices)

    def text(self, number: int) -> str:
        """The text of `number`, whose digits (in a mixed radix) choose the slots' words."""
        words = []
        for choice in self.choices:
            number, digit = divmod(number, len(choice))
            words.append(choice[digit])
        return self.pattern % tuple(words)


def _knowledge() -> tuple[list[str], list[str]]:
    """The English and the Chinese wordings in the demo shop's knowledge base; empty where there is none."""
    if not KNOWLEDGE.exists():
        return [], []
    decode = msgspec.json.Decoder(_Entry).decode
    entries = [decode(line) for line in KNOWLEDGE.read_bytes().splitlines() if line.strip()]
    english = dict.fromkeys(text for e in entries for text in (e.en.question, *e.en.paraphrases))
    chinese = dict.fromkeys(text for e in entries for text in (e.zh.question, *e.zh.paraphrases))
    return list(english), list(chinese)


def _sentences(texts: list[str], stop: str) -> tuple[str, ...]:
    """The texts, each ending like a sentence, so that another can follow."""
    return tuple(dict.fromkeys(text if text[-1:] in tuple(".?!。？！") else text + stop for text in texts))


def _templates(rng: random.Random) -> list[_Template]:
    """Every template, English and Chinese in turn."""
    orders = tuple(f"{rng.choice('ABCDEFGH')}{n}" for n in rng.sample(range(10_000_000, 99_999_999), 997))
    faq_en, faq_zh = _knowledge()
    slots_en = _EN | {"order": orders, "faq": _sentences(faq_en, ".")}
    slots_zh = _ZH | {"order": orders, "faq": _sentences(faq_zh, "。")}
    english = _EN_TEMPLATES + (_EN_FAQ if faq_en else ())
    chinese = _ZH_TEMPLATES + (_ZH_FAQ if faq_zh else ())
    pairs = zip(english, chinese, strict=False)
    return [t for en, zh in pairs for t in (_Template(en, slots_en), _Template(zh, slots_zh))]


def all_different(seed: int = 1) -> Iterator[str]:
    """Questions of which no two are the same text, and neighbours differ in most of their words.

    Each template walks its numbers by a step that shares no factor with their count, so that it meets every
    one (tens of millions at least) before it would repeat any; the iterator ends there.
    """
    rng = random.Random(seed)
    templates = _templates(rng)
    steps, starts = [], []
    for template in templates:
        step = int(template.size * 0.6180339887) + rng.randrange(1000)
        while math.gcd(step, template.size) != 1:
            step += 1
        steps.append(step)
        starts.append(rng.randrange(template.size))
    walk = list(zip(templates, starts, steps, strict=True))
    for turn in range(min(template.size for template in templates)):
        for template, start, step in walk:
            yield template.text((start + turn * step) % template.size)


def repeated(n_distinct: int = 500, seed: int = 1) -> Iterator[str]:
    """`n_distinct` questions without end, the r-th most popular drawn in proportion to 1 / r**1.1 (Zipf).

    Up to half of them are the knowledge base's own wordings, where it is present.
    """
    rng = random.Random(seed)
    known = [text for wordings in _knowledge() for text in wordings]
    pool = dict.fromkeys(rng.sample(known, min(len(known), n_distinct // 2)))
    others = all_different(seed)
    while len(pool) < n_distinct:
        pool[next(others)] = None
    texts = list(pool)
    rng.shuffle(texts)
    weights = 1.0 / np.arange(1, n_distinct + 1, dtype=np.float64) ** 1.1
    draws = np.random.default_rng(seed)
    while True:
        for index in draws.choice(n_distinct, size=8192, p=weights / weights.sum()).tolist():
            yield texts[index]
