"""Signs in English that somebody wants to read the model's instructions."""

from __future__ import annotations

from guardrails.signals import Signal, signal

_TELL = (
    r"(?=[a-z])\b(?:reveal|print|repeat|output|show|display|disclose|leak|tell|give|share|write|recite|dump|list|send"
    r"|return|expose"
    r"|say|provide|summari[sz]e|paraphrase|translate|encode|encrypt|spell|copy|paste|echo|see|read|reproduce|quote"
    r"|describe|share|type|render|convert|export|log|rot13|base64|explain|know|include|append|state|enumerate)\b"
)
_SECRET = (
    r"(?:(?:your\ |the\ |my\ |its\ |any\ |<|\[|\{)?(?:system[\ _-]?(?:prompt|prompts(?!\ (?:you|me|us|for|to"
    r"|a)\b)|instructions?)"
    r"|(?:hidden|secret|initial|starting|confidential|developer|pre-?set|original|underlying)\ (?:system\ )?prompts?"
    r"|(?:hidden|secret|developer|confidential)\ (?:\w+\ )?(?:instructions|directives)"
    r"|initiali[sz]ation\ (?:string|prompt|text)|(?:pre|meta)-?prompt)"
    r"|your\ (?:own\ |very\ )?(?:system\ (?:message|configuration|text|settings)|(?:initial|original|hidden"
    r"|starting|secret|internal|core|base|first|underlying|pre-?set)\ (?:\w+\ )?"
    r"(?:instructions?|prompts?|configurations?|directives?|rules|guidelines|programming)|(?:full|exact"
    r"|complete)\ (?:instructions|prompt|configuration)))\b"
)

ENGLISH_EXTRACTION: tuple[Signal, ...] = (
    signal(
        "extract",
        0.9,
        "system prompt initial instruction hidden original config guideline directive starting initializ preprompt "
        "pre-prompt",
        rf"{_TELL}<8>{_SECRET}",
        "extraction",
    ),
    signal(
        "extract",
        0.9,
        "initial_ original_ hidden_ secret_ starting_ system_ internal_",
        rf"\bwhat(?:'s|\ (?:is|are|was|were))?<4>{_SECRET}",
        "extraction",
    ),
    signal(
        "extract",
        0.7,
        "your_ tions prompt directive programming",
        r"\b(?:reveal|print|repeat|output|display|disclose|leak|recite|dump|expose|summari[sz]e|paraphrase"
        r"|translate|encode|spell|copy|paste|echo|reproduce|quote|verbatim|show\ me|give\ me|tell\ me|list"
        r"|what\ are|what\ is|what\ were|what's|opposite\ of|share)<5>your\ (?:own\ |full\ |exact\ |complete\ "
        r"|entire\ |current\ |actual\ |whole\ ){0,2}(?:instructions|prompts?|directives|programming"
        r"|configuration)\b(?!\ (?:for|on|to|about|of|regarding))",
        "extraction",
    ),
    signal(
        "extract",
        0.87,
        "you_were_told you_were_given were_you_told were_you_given you_were_instructed were_you_instruct "
        "you_have_been_given been_instructed you_received you_been_told you_been_given you_got you_supposed",
        r"\b(?:instructions?|rules|prompts?|text|message|what|words|guidelines)<2>(?:you\ were|were\ you"
        r"|you\ have\ been|have\ you\ been|you've\ been|you)\ (?:told|given|instructed|received|fed"
        r"|provided)\b\W{0,3}(?:[\w']{1,16}\W{1,3}){0,4}(?:before|initial\w*|beginning|start\w*|at\ first"
        r"|originally|prior|above|when|so\ far)",
        "extraction",
    ),
    signal(
        "extract",
        0.7,
        "supposed allowed not_to_tell forbidden not_to_say instructed_to my_instruct system_prompt i_was_told",
        r"\bwhat(?:'s|\ are|\ is|\ were)?\ (?:you\ |things\ )?(?:\w+\ ){0,2}(?:not\ (?:supposed|allowed"
        r"|permitted|meant)|forbidden|prohibited)<2>(?:to\ )?(?:tell|say|reveal|disclose|share|talk)"
        r"|[\"':]\s?(?:i\ was\ instructed\ to|my\ instructions\ are|(?:my|the)\ system\ prompt\ is"
        r"|you\ are)\b(?=\W{0,4}$|\W{1,3}repeat)",
        "extraction",
    ),
    signal(
        "extract",
        0.72,
        "above everything conversation word_for_word verbatim all_of_the_text entire_",
        r"\b(?:repeat|output|print|copy|recite|write|reproduce|echo|show|display|spell|translate|summari[sz]e"
        r"|encode|paste|say)<4>(?:text|everything|words|content|lines?|paragraphs?|message|all|prompt"
        r"|instructions)\W{1,3}(?:of\ |the\ |that\ |is\ |was\ |written\ |comes\ |from\ ){0,3}(?:above"
        r"|before\ this|preceding|prior\ to\ this)\b"
        r"|\b(?:repeat|output|print|copy|recite|reproduce|echo|paste)<3>(?:the\ )?above\W{1,3}(?:\w+\ )?(?:text"
        r"|words|prompt|content|verbatim|message|word|instructions)|\brepeat<2>(?:entire|whole"
        r"|full)\ (?:conversation|prompt|text|context)|\bbeginning\ with\W{1,3}you\ are\b",
        "extraction",
    ),
    signal(
        "extract",
        0.6,
        "systemprompt system_prompt <system sys_prompt system-prompt initial_prompt initial_instruction pre-prompt",
        r"system_?-?\ ?prompts?\b(?!\ (?:you|me|us|them|users?|the|for|to|a|that)\b)|sys_?prompts?\b"
        r"|\binitial\ (?:prompt|instructions)\b",
        "extraction",
    ),
)
