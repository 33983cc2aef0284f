"""The phrases of small talk as regular expressions over normalised text, and the replies.

Normalised: lower case, punctuation and emoji turned into single spaces, letters
repeated three times and more written once. Topics are listed by precedence.

Repeated groups are possessive (`*+`): with plain ones "想要想要想要..." took exponential time.
"""

# ruff: noqa: E501 - a pattern broken over lines is harder to read

from __future__ import annotations

from typing import Literal

from knowledge.text import Language

Topic = Literal["person", "bot", "bye", "thanks", "greeting", "no", "yes", "filler", "declined"]

_SOMEONE = (
    r"(?:(?:an? |the |some |any |your |another )?(?:real |live |actual |human |support |service |customer ){0,3}"
    r"(?:human(?: being)?|persons?|people|agent|representative|rep|operator|advisor|adviser|staff|"
    r"manager|supervisor|somebody|someone|customer (?:service|support|care)|support|service|care|team member|"
    r"human (?:service|support|help)))"
)
_WISH = (
    r"(?:(?:please |pls |just )*+(?:i (?:really |just )?(?:want|need|wish|would like|wanna|d like)(?: to)?|i'd like(?: to)?|"
    r"(?:can|could|may) (?:i|you)(?: please)?|let me|i must|want to|wanna|need to|need|want|would like to)"
    r"(?: please)? )?"
)
_ZH_WISH = "(?:我要|我想要?|我需要|我要求|请|请你|请帮我|帮我|给我|帮忙|能不能|能|能否|可以|可不可以|麻烦|麻烦你|麻烦您|快点?|赶紧|直接|想要?|需要|要)*+"
_ZH_PERSON = (
    "(?:人工(?:客服|服务|坐席|座席)?|真人(?:客服|服务)?|活人|客服(?:人员|专员|小姐姐|小哥)?|经理|主管|工作人员)"
)
_ZH_TAIL = "(?:吗|吧|呀|啊|啦|呢|了|哦|哈|呗|可以吗|行吗|好吗|一下)*+"

PHRASES: dict[Topic, str] = {
    "person": (
        rf"{_WISH}(?:please )?(?:(?:talk|speak|chat)(?:ing)?(?: to| with)|(?:connect|transfer|forward|pass|put)(?: me)?(?: through)?"
        rf"(?: over)?(?: to| with)|contact|reach|get(?: me)?(?: to)?|give me|call|have) {_SOMEONE}"
        rf"|(?:i (?:want|need)|i'd like|give me|want|need) {_SOMEONE}"
        r"|(?:a |an )?(?:real |live |actual |human ){0,3}(?:human|person|agent|representative|operator)(?= (?:please|pls|now)|$)"
        r"|(?:is|are) there (?:an? )?(?:real |live )?(?:human|person|agent|someone|anyone)(?: there| here)?(?: i can (?:talk|speak) (?:to|with))?"
        r"|(?:transfer|connect) me|human support|live (?:chat|support|agent)|escalate(?: this)?"
        rf"|{_ZH_WISH}(?:转接?|找|接|联系|呼叫|换|来|叫)(?:一下|到|个|一个|成|你们的?)*+{_ZH_PERSON}{_ZH_TAIL}"
        rf"|{_ZH_WISH}(?:和|跟|与){_ZH_PERSON}(?:说话|聊|沟通|通话|讲话|对话|谈)(?:一下)?{_ZH_TAIL}"
        rf"|(?:我要|我需要|给我|要|有没有|有){_ZH_PERSON}{_ZH_TAIL}"
        rf"|(?:人工|真人)(?:客服|服务|坐席|座席)?{_ZH_TAIL}(?= |$)"
    ),
    "bot": (
        r"(?:who|what)(?: exactly)? (?:are|r) (?:you|u)|who(?: is| am i| m i)? (?:this|(?:talking|speaking|chatting) (?:to|with))"
        r"|(?:who|what) am i (?:talking|speaking|chatting) (?:to|with)|what(?: is|'s) your name|(?:do )?you have a name"
        r"|(?:are|r) (?:you|u) (?:really |just |actually )?(?:an? )?(?:real |actual |live )?"
        r"(?:(?:chat ?)?bot|robot|human(?: being)?|person|people|ai|machine|computer|real|llm|chatgpt|program|automated)"
        r"(?: or (?:an? )?(?:real )?(?:(?:chat ?)?bot|robot|human|person|ai|machine))?"
        r"|(?:is|am) (?:this|i) (?:(?:talking|speaking|chatting) (?:to|with) )?(?:an? )?(?:real )?(?:(?:chat ?)?bot|robot|human|person|ai|machine)"
        r"|you(?: are|'re)? an? (?:bot|robot|ai)"
        r"|(?:请问)?(?:你|您)(?:到底)?(?:是谁|是什么(?:人|东西)?|叫(?:什么|啥)(?:名字)?|叫啥|的名字是什么)(?:呀|啊|呢)?"
        r"|(?:请问)?(?:你|您|这|这边|这里|对面)?(?:到底)?是(?:不是)?(?:一个|个)?(?:真的)?(?:机器人|人工智能|机器|ai|智能客服|真人|真的人|人工|人|活人)"
        r"(?:客服)?(?:还是(?:机器人|人工智能|机器|ai|真人|人工|人))?(?:吗|吧|啊|呀|呢|嘛)*+(?= |$)|机器人(?:吗|吧|啊)++"
    ),
    "bye": (
        r"(?:good ?bye|bye+(?: ?bye)?(?: for now| now)?|see (?:you|u|ya)(?: later| soon| around)?|cya|ciao|take care|good ?night"
        r"|talk (?:to you )?later|have an? (?:nice|good|great|lovely|wonderful) (?:day|one|evening|weekend|night|time)"
        r"|(?:ok |okay )?that(?: is|'s|s) (?:all|it)(?: for now| i needed?)?(?: thanks)?|nothing else|no more questions|i(?: a|')?m done)"
        r"|(?:再见|拜拜|拜|掰掰|88(?:6)?|回见|下次见|回头见|晚安|先这样|就这样|没事了|没别的(?:事)?了|没有(?:别的)?问题了|没问题了)(?:吧|啦|了|哈|哦|啊|您|你)*+"
    ),
    "thanks": (
        r"(?:(?:many |great |perfect |cool |awesome |oh |a million )*+(?:thanks|thank|thx+|thnx|tnx|tks|ty(?:sm|vm)?|cheers|ta)"
        r"(?: ?(?:you|u|ya))?(?: so| very)?(?: much| a lot| a bunch| a million| again| mate| man| bro| dear| kindly| everyone| guys| all)*+"
        r"(?: for (?:your |the |all |all your |all the |such )*+(?:quick |fast |kind |great )*+(?:help|support|time|reply|answer|info|information|assistance|response|service))?"
        r"|(?:i )?(?:really |much )?appreciate(?:d)?(?: it| that| your help| the help)?|(?:that|this|it|you)(?: was|'s| is|'ve been| have been|'re| are)?(?: very| so| really)? (?:helpful|great|perfect|awesome|amazing|helped)(?: a lot)?"
        r"|(?:very |so )?helpful|great|perfect|awesome|excellent|nice|cool|wonderful|amazing|good job|well done|got it|understood|i see)"
        r"|(?:太|非常|十分|真的|真是)*+(?:谢谢+|多谢|感谢|谢了|谢|3q|辛苦|蟹蟹|感恩)(?:你们?|您们?|了|啦|啊|呀|哈|哦|喽|咯|客服|亲|帮助|的|解答|回复|耐心|大家)*+"
        r"|(?:明白|知道|懂|清楚|了解|收到)了?(?:啦|哈|哦)*+(?= |$)|(?:太好|太棒|真棒|厉害|不错|很好|赞|解决|问题解决)(?:了|啦|哦)*+(?= |$)"
    ),
    "greeting": (
        r"(?:(?:hi|hello|helo|hallo|hey+|hiya|heya|yo|howdy|hola|greetings|sup|morning|evening|good (?:morning|afternoon|evening|day))"
        r"(?: there| all| team| guys| everyone| folks| kefu| bot| sir| madam)*+"
        r"|how (?:are|r) (?:you|u)(?: doing)?(?: today)?|how(?: is|'s|s) it going|what(?:'s| is) up|nice to meet you"
        r"|(?:is )?any(?:body|one)(?: is)?(?: there| here| home)|are you there|you there|hello is (?:anyone|anybody) there"
        r"|(?:can|could) (?:you|i)(?: please)? (?:help(?: me)?(?: out)?|ask(?: you)?(?: something| a question)?)|i (?:need|want)(?: some)? help|help(?: me)?|i have a question|quick question)"
        r"|(?:你好|您好|你们好|大家好|嗨|哈喽|哈啰|哈罗|喂|亲|客服|早上好|早安|早|上午好|中午好|下午好|晚上好|hi|hello)(?:呀|啊|哦|哈|吗|啦|亲|客服|小姐姐|老板|店家)*+"
        r"|(?:请问)?(?:有人|客服|人|你|您|亲)?(?:还)?在(?:不在|不|吗|么|嘛|没)(?:呀|啊|呢)?(?= |$)|有人(?:吗|么|没)?(?:在)?(?:吗)?(?= |$)"
        r"|(?:我想|我要)?(?:请教|请问|咨询|问)(?:一下|个问题|下|一个问题|点事)++(?:呗|吧|哈|可以吗)*+(?= |$)|(?:请|麻烦|能|可以)*+(?:帮帮我|帮我|帮忙|帮个忙)(?:一下|吗)*+(?= |$)|请问(?= |$)"
    ),
    "no": (
        r"(?:no+(?: need| way| thanks?| thank you| thx)?|nope|nah|not (?:now|really|yet|necessary|needed|at the moment)|never ?mind|n|don't bother|i'm (?:good|fine|ok))"
        r"|(?:不+|不用|不要|不需要|不必|不了|算了|没事|没关系|暂时不用|先不用|不用麻烦|暂时不需要|没有|否)(?:了|啦|吧|哈|的|谢谢)*+(?= |$)"
    ),
    "yes": (
        r"(?:ye(?:s|ah|p|a)|yup|ya|sure(?: thing)?|ok(?:ay|ey|ie)?|k|kk|alright|all right|fine|please(?: do)?|pls|go (?:ahead|for it)|do (?:it|that|so)"
        r"|of course|definitely|absolutely|correct|right|y|that (?:would|'d) be (?:great|good|nice|perfect|lovely)|sounds good|i (?:do|would)|connect)"
        r"|(?:好+|好的+|好滴|好哒|好呀|行|可以|嗯+|恩+|要|需要|是|是的|对|对的|中|成|没问题|当然|当然可以|转吧|转|请转|接吧|麻烦|那就转|那转)(?:了|啦|吧|啊|呀|哈|哦|的|嘞|您|你|谢谢)*+(?= |$)"
    ),
    "filler": r"(?:no (?:problem|worries|prob)|please|pls|now|asap|right now|immediately|today|then|well|um+|uh+|so|oh|lol|haha+|again|and|but|哈+|呵+|嘿+|啊+|哦+|噢+|额+|那|嗯|亲|现在|马上|立刻|谢谢)(?= |$)",
}

REPLIES: dict[Topic, dict[Language, str]] = {
    "person": {
        "en": "I'm passing you on to a person. Please stay in this chat; they will see everything you wrote.",
        "zh": "正在为您转接人工客服，请不要离开本会话，您之前的消息客服都能看到。",
    },
    "bot": {
        "en": "I'm an automated assistant, not a person. Ask me anything about our service, "
        "or say “person” at any time to reach one.",
        "zh": "我是智能客服助手，不是真人。您可以直接提问，也可以随时发送“转人工”联系人工客服。",
    },
    "bye": {
        "en": "Goodbye, and thank you for getting in touch. Write again whenever you need us.",
        "zh": "感谢您的咨询，再见！有需要随时联系我们。",
    },
    "thanks": {
        "en": "You're welcome! Is there anything else I can help with?",
        "zh": "不客气！还有其他可以帮您的吗？",
    },
    "greeting": {"en": "Hello! How can I help you?", "zh": "您好！请问有什么可以帮您？"},
    "no": {"en": "All right. I'm here if you need anything else.", "zh": "好的，有其他问题随时告诉我。"},
    "yes": {"en": "All right. What else can I help you with?", "zh": "好的，请问还有什么可以帮您？"},
    "filler": {"en": "How can I help you?", "zh": "请问有什么可以帮您？"},
    "declined": {
        "en": "All right, I won't pass you on. You can also ask me in other words.",
        "zh": "好的，那就先不转接。您也可以换个说法再问我一次。",
    },
}
