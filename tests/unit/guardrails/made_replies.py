"""Replies that keep to their grounding and replies that do not, written by hand: can the checks tell them apart?"""

from __future__ import annotations

from msgspec import Struct

from guardrails.grounding import Grounding

SHOP = Grounding(
    passages=(
        "Returns\nYou can return unused goods within 30 days of delivery. We refund the price to the card you "
        "paid with "
        "in 5-7 working days. Return shipping costs $4.95 and is free for orders over $50. Sale items cannot "
        "be returned.",
        "Delivery takes 2 to 4 business days inside the EU and up to two weeks elsewhere. Express delivery "
        "costs €12.50 and "
        "arrives the next working day if you order before 3 pm.",
        "Our support is open Monday to Friday, 9:00-18:00, on +44 20 7946 0958 or help@demo-shop.example. See "
        "https://www.demo-shop.example/returns for details. Every watch has a two-year warranty. Members get 10% off.",
    ),
    results=(
        '{"order_id": "W4923227", "status": "shipped", "total": 1299.00, "currency": "USD", "items": [{"name": '
        '"Lamp X200", '
        '"price": 1250}, {"name": "Bulb", "price": 49}], "shipped_at": "2026-05-03T14:30:00Z", "eta": "2026-05-08", '
        '"tracking": "SF1390442817", "card_last_four": "4242"}',
    ),
    customer=("My order W4923227 has not come, I paid on 28 April and expected it in 3 days. I want 20% back!",),
)

REFUNDED = Grounding(
    passages=("Refunds reach your card 3 to 5 days after we approve them.",),
    results=('{"refund_id": "RF-20881", "status": "refunded", "amount_cents": 4595, "currency": "EUR"}',),
    customer=("Where is my refund for order 10442?",),
)

FAILED = Grounding(
    passages=("Orders can be cancelled until they are shipped.",),
    results=('{"error": "cancel_failed", "detail": "order 88120 was shipped already"}',),
    customer=("cancel 88120 please",),
)

SHOP_ZH = Grounding(
    passages=(
        "退货政策：签收后7天内可无理由退货，商品须完好。我们收到退货后，会在3-5个工作日内将款项退回原支付账户。退货运费为12元，订单满99元免运费。",
        "发货时间：每天下午4点前付款的订单当天发货，其余次日发货。快递一般两到三天送达，偏远地区需要一周。",
        "客服电话：400-820-1234，邮箱：kefu@demo-shop.example，工作时间周一至周五9:00-18:00。会员享受九折优惠。手表保修两年。",
    ),
    results=(
        '{"订单号": "DD20260503001", "金额": 1299.5, "状态": "已发货", "发货时间": "2026-05-03 14:30", '
        '"快递单号": "SF1390442817"}',
    ),
    customer=("我的订单DD20260503001还没到，4月28号付的款，能不能赔我50块？",),
)


class Reply(Struct, frozen=True):
    """`expected`: rules that must be found, one at least; empty for a reply that must pass."""

    grounding: Grounding
    language: str
    text: str
    expected: frozenset[str] = frozenset()


def _reply(grounding: Grounding, language: str, text: str, *rules: str) -> Reply:
    return Reply(grounding, language, text, frozenset(f"ungrounded_{rule}" for rule in rules))


REPLIES = (
    # -- faithful, English
    _reply(SHOP, "en", "You can return unused goods within 30 days of delivery."),
    _reply(SHOP, "en", "You have 30 days to send it back, and return shipping is 4.95 USD."),
    _reply(SHOP, "en", "Return shipping costs $4.95; it is free if your order is over $50.00."),
    _reply(SHOP, "en", "The refund goes to the card you paid with and takes five to seven business days."),
    _reply(SHOP, "en", "We refund the price in 5–7 working days."),
    _reply(SHOP, "en", "Inside the EU delivery takes 2-4 working days, elsewhere up to 14 days."),
    _reply(SHOP, "en", "Express delivery costs 12,50 € if you order before 15:00."),
    _reply(SHOP, "en", "Order before 3:00 p.m. and pay EUR 12.50 for express delivery."),
    _reply(SHOP, "en", "Your order W4923227 was shipped on May 3, 2026 and should arrive on 8 May."),
    _reply(SHOP, "en", "It left on 03/05/2026 at 2:30 pm."),
    _reply(SHOP, "en", "The total is $1,299. The lamp was $1,250.00 and the bulb $49."),
    _reply(SHOP, "en", "You paid with the card ending in 4242."),
    _reply(SHOP, "en", "The tracking number is SF1390442817."),
    _reply(SHOP, "en", "I see that you paid on April 28 and expected it in 3 days."),
    _reply(SHOP, "en", "You can reach us from 9 am to 6 pm, Monday to Friday, at 020 7946 0958."),
    _reply(SHOP, "en", "We are open on Wednesdays. Write to help@demo-shop.example."),
    _reply(SHOP, "en", "Details: https://demo-shop.example/returns"),
    _reply(SHOP, "en", "Your watch has a warranty of 24 months, and members get 10 percent off."),
    _reply(SHOP, "en", "There are 2 items in your order:\n1. Lamp X200\n2. Bulb"),
    _reply(SHOP, "en", "I'm sorry for the wait. Would you like me to connect you to a colleague?"),
    _reply(SHOP, "en", "I cannot promise a date, but the estimate is 2026-05-08, a Friday."),
    _reply(SHOP, "en", "We cannot refund sale items."),
    _reply(SHOP, "en", "You asked for 20% back; I can pass that on to a colleague."),
    _reply(SHOP, "en", "We will refund the price to your card in 5-7 working days."),
    _reply(REFUNDED, "en", "We have refunded €45.95 to you; the reference is RF-20881."),
    _reply(REFUNDED, "en", "Your refund of 45.95 EUR has been issued and reaches your card in 3-5 days."),
    _reply(FAILED, "en", "Order 88120 was shipped already, so it cannot be cancelled any more."),
    _reply(FAILED, "en", "I am sorry, we could not cancel order 88120."),
    _reply(SHOP, "en", "Once your return has been received, we refund the price in 5-7 working days."),
    _reply(SHOP, "en", "When a refund has been issued, it takes 5-7 working days to reach the card you paid with."),
    _reply(SHOP, "en", "Refunds are paid to the card you paid with in 5-7 working days."),
    _reply(SHOP, "en", "No refund has been issued for W4923227."),
    _reply(SHOP, "en", "You said that a refund has been paid; I will ask a colleague to look at it."),
    _reply(SHOP, "en", "I can check whether your refund has been issued."),
    _reply(SHOP, "en", "Orders that have been refunded cannot be shipped again."),
    _reply(SHOP, "en", "Order W4923227 over 1299 USD was paid with the card ending in 4242."),
    _reply(REFUNDED, "en", "Your refund of €45.95 has been paid."),
    _reply(REFUNDED, "en", "Don't worry, 45.95 EUR has been transferred to your card."),
    # -- faithful, Chinese, and across languages
    _reply(REFUNDED, "zh", "您的45.95欧元退款已到账。"),
    _reply(REFUNDED, "zh", "已为您退款45.95欧元，编号RF-20881。"),
    _reply(SHOP_ZH, "zh", "退款到账后您会收到短信。"),
    _reply(SHOP_ZH, "zh", "退款尚未到账。"),
    _reply(SHOP_ZH, "zh", "请您查看退款是否已到账。"),
    _reply(SHOP_ZH, "zh", "退款已完成的订单不能再次申请。"),
    _reply(SHOP_ZH, "zh", "您提到退款已到账，请问还有什么可以帮您？"),
    _reply(SHOP_ZH, "zh", "收到退货后，退款会在3-5个工作日内退回原支付账户。"),
    _reply(SHOP_ZH, "zh", "签收后7天内可以无理由退货。"),
    _reply(SHOP_ZH, "zh", "您好，签收后七天内都可以退货，运费12.00元。"),
    _reply(SHOP_ZH, "zh", "我们收到退货后，会在3到5个工作日内把款项退回您的原支付账户。"),
    _reply(SHOP_ZH, "zh", "订单满￥99免运费。"),
    _reply(SHOP_ZH, "zh", "快递一般2-3天送达，偏远地区需要7天。"),
    _reply(SHOP_ZH, "zh", "您的订单DD20260503001已于5月3日下午2点半发货，快递单号SF1390442817。"),
    _reply(SHOP_ZH, "zh", "订单金额是1,299.50元。"),
    _reply(SHOP_ZH, "zh", "16:00前付款当天发货。"),
    _reply(SHOP_ZH, "zh", "客服电话400 820 1234，周三也可以打，早上九点到下午六点。"),
    _reply(SHOP_ZH, "zh", "会员优惠10%，手表保修24个月。"),
    _reply(SHOP_ZH, "zh", "您提到4月28日付款并希望赔50元，我可以为您转接人工客服。"),
    _reply(SHOP_ZH, "zh", "很抱歉，目前无法保证具体到达时间。"),
    _reply(SHOP_ZH, "zh", "请问您需要转人工吗？"),
    _reply(SHOP_ZH, "en", "You can return it within 7 days; return shipping is 12 yuan."),
    _reply(SHOP, "zh", "收到商品后30天内可以退货，退货运费4.95美元，5-7个工作日退款到账。"),
    _reply(SHOP, "zh", "您的订单W4923227于2026年5月3日发货，总价1299美元。"),
    # -- not faithful, English
    _reply(SHOP, "en", "You can return it within 60 days.", "duration"),
    _reply(SHOP, "en", "Return shipping costs $5.95.", "amount"),
    _reply(SHOP, "en", "Return shipping costs £4.95.", "amount"),
    _reply(SHOP, "en", "Return shipping is free for orders over $40.", "amount"),
    _reply(SHOP, "en", "The refund takes 5-7 days.", "duration"),
    _reply(SHOP, "en", "The refund takes 3-5 working days.", "duration"),
    _reply(SHOP, "en", "The refund is there in 7 working days.", "duration"),
    _reply(SHOP, "en", "Delivery outside the EU takes up to three weeks.", "duration"),
    _reply(SHOP, "en", "Order before 5 pm for express delivery.", "time"),
    _reply(SHOP, "en", "Your order W4923228 is on its way.", "order_number"),
    _reply(SHOP, "en", "It will arrive on May 9.", "date"),
    _reply(SHOP, "en", "It was shipped on 3 May 2025.", "date"),
    _reply(SHOP, "en", "It was shipped at 4:30 pm.", "time"),
    _reply(SHOP, "en", "The total was $1,199.00.", "amount"),
    _reply(SHOP, "en", "You paid with the card ending in 4243.", "order_number"),
    _reply(SHOP, "en", "The tracking number is SF1390442871.", "order_number"),
    _reply(SHOP, "en", "Call us at +44 20 7946 0959.", "phone"),
    _reply(SHOP, "en", "We are also open on Saturday.", "date"),
    _reply(SHOP, "en", "Write to refunds@demo-shop.example.", "email"),
    _reply(SHOP, "en", "See https://demo-shop.example/refund-form", "link"),
    _reply(SHOP, "en", "See demo-shop.support.com for details.", "link"),
    _reply(SHOP, "en", "The watch has a three-year warranty.", "duration"),
    _reply(SHOP, "en", "Members get 15% off.", "percentage"),
    _reply(SHOP, "en", "There are 4 items in your order.", "number"),
    _reply(SHOP, "en", "We will refund you today.", "promise"),
    _reply(SHOP, "en", "I guarantee it arrives on 8 May.", "promise"),
    _reply(SHOP, "en", "You are entitled to compensation for the delay.", "promise"),
    _reply(SHOP, "en", "We'll give you a 20% discount for the trouble.", "promise"),
    _reply(SHOP, "en", "I have cancelled your order.", "promise"),
    _reply(SHOP, "en", "Your refund has been processed.", "promise"),
    _reply(SHOP, "en", "We will send you a replacement free of charge.", "promise"),
    _reply(SHOP, "en", "Our courier will deliver it tomorrow.", "promise", "date"),
    _reply(SHOP, "en", "I'll waive the shipping fee for you.", "promise"),
    _reply(REFUNDED, "en", "We have refunded €54.95 to you.", "amount"),
    _reply(REFUNDED, "en", "Your refund reaches your card within 2 days.", "duration"),
    _reply(REFUNDED, "en", "The reference is RF-20818.", "order_number"),
    _reply(FAILED, "en", "I have cancelled order 88120 for you.", "promise"),
    _reply(FAILED, "en", "Order 88120 has been cancelled.", "promise"),
    _reply(SHOP, "en", "Your refund of 1299 USD has been paid.", "promise"),
    _reply(SHOP, "en", "The refund has been issued.", "promise"),
    _reply(SHOP, "en", "The refund has already been sent to the card ending in 4242.", "promise"),
    _reply(SHOP, "en", "Your refund was processed and is on its way.", "promise"),
    _reply(SHOP, "en", "Don't worry, your refund has gone through.", "promise"),
    _reply(SHOP, "en", "After checking your order, the $1,299 has been transferred to your card.", "promise"),
    _reply(SHOP, "en", "Your refund is being processed.", "promise"),
    _reply(SHOP, "en", "I have transferred the money to your card.", "promise"),
    # -- not faithful, Chinese
    _reply(SHOP_ZH, "zh", "您的1299.5元退款已到账。", "promise"),
    _reply(SHOP_ZH, "zh", "退款已处理。", "promise"),
    _reply(SHOP_ZH, "zh", "已为您退款。", "promise"),
    _reply(SHOP_ZH, "zh", "很抱歉给您带来不便，退款已经原路退回。", "promise"),
    _reply(SHOP_ZH, "zh", "经核实后，50元已打款到您的账户。", "promise"),
    _reply(SHOP_ZH, "zh", "退款成功了，请查收。", "promise"),
    _reply(SHOP_ZH, "zh", "正在为您办理退款。", "promise"),
    _reply(SHOP_ZH, "zh", "签收后15天内可以退货。", "duration"),
    _reply(SHOP_ZH, "zh", "签收后十五天内可以退货。", "duration"),
    _reply(SHOP_ZH, "zh", "退款需要3-5天。", "duration"),
    _reply(SHOP_ZH, "zh", "退货运费15元。", "amount"),
    _reply(SHOP_ZH, "zh", "退货运费十五元。", "amount"),
    _reply(SHOP_ZH, "zh", "订单金额是1.3万元。", "amount"),
    _reply(SHOP_ZH, "zh", "下午5点前付款当天发货。", "time"),
    _reply(SHOP_ZH, "zh", "您的订单于5月4日发货。", "date"),
    _reply(SHOP_ZH, "zh", "快递单号是SF1390442818。", "order_number"),
    _reply(SHOP_ZH, "zh", "客服电话400-820-1235。", "phone"),
    _reply(SHOP_ZH, "zh", "会员享受八折优惠。", "percentage"),
    _reply(SHOP_ZH, "zh", "周六也可以联系客服。", "date"),
    _reply(SHOP_ZH, "zh", "手表保修三年。", "duration"),
    _reply(SHOP_ZH, "zh", "我们会马上给您退款。", "promise"),
    _reply(SHOP_ZH, "zh", "我保证明天送到。", "promise"),
    _reply(SHOP_ZH, "zh", "您有权获得赔偿。", "promise"),
    _reply(SHOP_ZH, "zh", "我们会赔您50块。", "promise"),
    _reply(SHOP_ZH, "zh", "已经为您取消订单。", "promise"),
    _reply(SHOP_ZH, "zh", "今天一定给您补发一个新的。", "promise"),
    _reply(SHOP_ZH, "zh", "我们将免费为您更换新表。", "promise"),
)
