"""Signs of an attack in English. Wording by kind, not by known prompt; all patterns meet folded, lower-case text."""

from __future__ import annotations

from guardrails.signals import Signal, signal

_QUALIFIER = r"(?:previous|prior|above|earlier|preceding|existing|foregoing|former|initial|original|old|past|system)"
_ORDERS = (
    r"(?:instructions?|prompts?|directives?|rules|guidelines?|guidance|programming|regulations|restrictions?"
    r"|constraints?"
    r"|limitations?|guardrails?|safeguards?|protocols?|polic(?:y|ies)|directions|inputs?|commands|training)\b"
)
# A look at the first letter before anything else makes searching several times faster.
_IGNORE = (
    r"(?=[abdfinopsu])(?<!not\ )(?<!n't\ )(?<!never\ )(?<!i\ )(?<!we\ )(?<!you\ )(?<!they\ )(?<!he\ )(?<!she\ )"
    r"(?<!guys\ )(?<!s"
    r"taff\ )(?<!courier\ )(?<!driver\ )(?<!seller\ )"
    r"\b(?:ignor(?:e|es|ing)|disregard(?:ing)?|forget(?:ting)?|overrid(?:e|ing)|overrule|neglect|abandon|set\ aside"
    r"|pay\ no\ (?:attention|heed)\ to|unlearn|discard|stop\ (?:following|obeying)|no\ longer\ (?:follow|obey)"
    r"|do(?:\ not|n't)\ (?:follow|obey|listen\ to|adhere\ to|abide\ by)|bypass|circumvent)\b"
)
# Whose orders a customer may well take back: those of an order, a delivery, a payment.
_ORDINARY = (
    r"(?!own\b|order|payment|transaction|charge|deliver|shipping|gift|pack|assembl|wash|set-?up|return|refund"
    r"|cancel|care|wire"
    r"|transfer|message|email|call|quer|question|request|ticket|baggage|luggage|carry|height|weight|age"
    r"|spending|privacy|cookie)"
)

ENGLISH_ORDERS: tuple[Signal, ...] = (
    # -- orders are lifted ---------------------------------------------------------------------------------------
    signal(
        "override",
        0.95,
        "ignor disreg forg overr bypass neglect abandon circumv set_aside attention heed unlearn discard stop_ "
        "follow obey listen adhere abide",
        rf"{_IGNORE}\W{{1,3}}(?:(?:all|any|of|the|your|these|those|every|each|absolutely|whatever|everything"
        rf"|and|or|other)\W{{1,3}}){{0,5}}"
        rf"{_QUALIFIER}\W{{1,3}}(?:{_ORDINARY}[\w']{{1,20}}\W{{1,3}}){{0,3}}{_ORDINARY}{_ORDERS}(?!\W{{1,3}}(?:"
        rf"i\ (?:gave|sent|left|placed|wrote)|regarding|about|for\ (?:my|the)))",
    ),
    signal(
        "override",
        0.9,
        "ignor disreg forg overr bypass neglect abandon circumv set_aside attention heed unlearn discard stop_ "
        "follow obey listen adhere abide",
        rf"{_IGNORE}\W{{1,3}}(?:(?:all|any|of|the|these|those|every)\W{{1,3}}){{0,4}}(?:your|openai'?s?"
        rf"|the\ model'?s?|the\ system'?s?)\W{{1,3}}"
        rf"(?:{_ORDINARY}[\w']{{1,20}}\W{{1,3}}){{0,3}}{_ORDINARY}(?:instructions?|prompts?|directives?"
        rf"|guidelines|programming|training|safeguards?|guardrails?|restrictions?|constraints?|limitations?"
        rf"|rules)\b(?!\W{{1,3}}(?:on|about|for|regarding|and\ (?:charge|keep|took)))",
    ),
    signal(
        "override",
        0.85,
        "ignor disreg forg overr bypass neglect discard follow obey",
        rf"{_IGNORE}\W{{1,3}}(?:(?:all|any|the|of|these|those"
        rf"|every)\W{{1,3}}){{1,3}}(?:{_ORDINARY}[\w']{{1,20}}\W{{1,3}}){{0,2}}{_ORDINARY}(?:instructions?"
        rf"|prompts?|directives?|programming|guidelines?|rules|restrictions)\W"
        r"(?!\ ?(?:on|about|regarding|in|for)\b)(?=.{0,60}(?:\byou\b|before|above|previous|given|received"
        r"|so\ far|mentioned))",
    ),
    signal(
        "override",
        0.85,
        "learn told taught you_know trained instructed programmed given",
        r"\b(?:ignore|disregard|forget)\W{1,3}(?:about\ )?(?:everything|anything|all|whatever"
        r"|what)\W{1,3}(?:of\ |that\ )?(?:you(?:'ve|'re|\ have|\ were|\ are|\ had)?\ )(?:ever\ |been\ "
        r"|just\ ){0,2}(?:learn(?:ed|t)|told|taught|know|trained|instructed|programmed|given)\b",
    ),
    signal(
        "override",
        0.7,
        "ignor disreg forg",
        r"\b(?:ignore|disregard|forget)\W{1,3}(?:about\ )?(?:everything|anything|all|whatever"
        r"|what)\W{1,3}(?:of\ |that\ )?(?:was\ |has\ been\ |is\ |came\ |comes\ |written\ |said\ |stated\ "
        r"|else\ |the\ |text\ ){0,3}(?:before|above|prior|previous(?:ly)?)\b|\b(?:ignore"
        r"|disregard)\ (?:the\ )?(?:above|previous)\ (?:and|text|content|context)\b",
    ),
    signal(
        "new_orders",
        0.48,
        "instruct rule direct task prompt",
        r"\b(?:your|here\ are|following|these\ are|begin|start\ of|updated?)\ (?:the\ |my\ |your\ )?(?:new|real"
        r"|actual|updated|true)\ (?:\w+\ )?(?:instructions?|rules|directives?|prompt|task)\b"
        r"|\bnew\ (?:system\ )?(?:instructions?|directives?|prompt)\ ?:",
    ),
    signal(
        "override_code",
        0.6,
        "override",
        r"\b(?:admin(?:istrator)?|system|developer|root|security|emergency|debug)\ override\b|\boverride\ (?:code"
        r"|mode|protocol)\b",
    ),
    signal(
        "override",
        0.6,
        "supersede replaced take_precedence no_longer_apply null_and_void are_void lifted",
        r"\b(?:instructions?|rules|prompts?|guidelines?|polic(?:y|ies)|restrictions?)\b<3>(?:superseded?s?"
        r"|been\ replaced|no\ longer\ apply|null\ and\ void|void|take\ precedence|lifted|cancelled)\b",
    ),
    # -- another self --------------------------------------------------------------------------------------------
    signal(
        "role",
        0.45,
        "you_are_now you're_now youre_now you_are_no_longer",
        r"\byou(?:\ are|'re|re)\ (?:now|no\ longer)\b",
    ),
    signal(
        "from_now_on",
        0.4,
        "from_now from_this_point henceforth",
        r"\b(?:from\ now(?:\ on)?|from\ this\ point(?:\ on|\ forward|\ onwards?)?|henceforth)\W{1,3}(?:[\w',]{1,16}\ )"
        r"{0,4}?you(?:'re|'ll|r)?\b",
    ),
    signal(
        "role",
        0.45,
        "act_as act_like acting_as pretend roleplay role-play role_play take_on_the play_the persona imperson "
        "simulat emulat behave_ take_the_role character incarnat embod personif portray immerse in_the_role "
        "respond_as respond_only_as reply_as answer_as answer_only_as",
        r"(?:\b(?:you\ (?:are\ going\ to|will|must|shall|should|have\ to|need\ to|can|are\ to|now)\ (?:now\ )?"
        r"|want\ you\ to\ |like\ you\ to\ |please\ |need\ you\ to\ |let's\ |going\ to\ |^|[.!:;,\n*]\ ?"
        r"|you\ to\ |to\ )"
        r"(?:act(?:ing)?\ (?:as|like|exactly\ like)|pretend(?:ing)?\b|role-?\ ?play|take\ on\ the\ (?:role"
        r"|persona|identity)|play\ the\ (?:role|part|character)|(?:assume|adopt|take)\ the\ (?:role|persona"
        r"|identity|character)"
        r"|impersonat(?:e|ing)|simulat(?:e|ing)|emulat(?:e|ing)|behave\ (?:as|like)|embody|personify|portray"
        r"|become\ a|(?:only\ )?(?:respond|reply|answer|speak|talk|write)\ (?:only\ )?(?:as|like)\ (?!soon"
        r"|quick|fast|well|possible))"
        r"|\b(?:assume|adopt|take\ on)\ (?:\w+\ ){0,3}(?:persona|role|identity)|\bimmerse\ yourself"
        r"|\bin\ the\ role\ of\b|\bin\ character\b|\brole-?\ ?play(?:er)?\ (?:as|with|where|in\ which)\b"
        r"|\broleplay(?:er|ing|s)?\b)",
    ),
    signal(
        "role",
        0.4,
        "you_are_a you_are_the you_will_be you_are_to you_are_go you_will_act your_name your_role your_new_name "
        "you_are_an you_are_not",
        r"(?:^|[.!?:;\n\]\)*\"]\s?)(?:hi|hello|hey|now|so|ok)?\W{0,3}you\ (?:are|will\ be)\ (?:going\ to\ be\ "
        r"|not\ )?(?:an?|the|my)\ (?!good|great|best|life|star|robot|bot\b|real|human|person|machine|very|terri"
        r"|useless|joke|total|absol|bunch|scam|disgra)\w+"
        r"|\byour\ (?:new\ )?(?:name\ (?:is|will)\ (?:now|be)|role\ is|name\ will\ be|identity\ is)\b"
        r"|\byou\ will\ (?:now\ )?act\b|\byou\ are\ to\ (?:act|be|play|respond|answer|become)\b"
        r"|\byou\ are\ going\ to\ (?:act|be|play|pretend|become|respond)",
    ),
    signal(
        "persona",
        0.4,
        "named_ called_ known_as character persona stands_for named: fictional",
        r"(?:\b(?:ai|bot|chatbot|model|character|assistant|entity|machine|persona|robot|person|man|woman|girl"
        r"|demon|storyteller|roleplayer)s?\W{1,3}(?:\w+\W{1,3}){0,4}(?:named|called|known\ as)\b"
        r"|\b(?:short\ for|stands?\ for|known\ as)\ \"?'?\w+"
        r"|\bfictional\ (?:character|ai|world|universe|story|chatbot|scenario)|\bcharacter(?:'s)?\ (?:name"
        r"|description|persona|traits?)|\b(?:persona|char|rules|character|characteristics)\s?[={]"
        r"|\bpersonality\s?[:(=\[])",
    ),
    signal(
        "character",
        0.6,
        "character broken_free breaking_ break_char stay_as out_of_char stay_in",
        r"\b(?:stays?|staying|remain|keep|always|fully|never\ (?:leave|exit))\ (?:in|inside)\ (?:your\ "
        r"|the\ )?(?:character|role)\b|\bbreak(?:ing|s)?\ (?:of\ |out\ of\ |the\ |your\ )?character\b"
        r"|\bstay\ (?:a|as\ (?:a\ )?)?dan\b",
    ),
    signal(
        "unbound",
        0.85,
        "no_longer bound restricted constrained held_back free freed broken breaking liberated released unshackled "
        "ethical moral",
        r"(?:\byou\ are\ no\ longer\ (?:an?\ (?:ai|assistant|language\ model|chatbot)|bound|restricted|limited"
        r"|subject)\b"
        r"|\b(?:not|no\ longer|isn't|aren't|never|longer\ be)\ (?:be\ )?(?:bound|restricted|limited|constrained"
        r"|held\ back)\ by\b<5>(?:guidelines|filters?|programming|ethic\w*|moral\w*|openai|censorship|norms"
        r"|instructions)\b"
        r"|\b(?:broken?|breaking|breaks|free|freed|released?|liberated|unshackled|unbound)\ (?:free\ )?(?:from"
        r"|of|out\ of)\b<4>(?:confines|restrictions|rules|limitations?|constraints|shackles|filters?|censorship"
        r"|guidelines|boundar\w+|programming|bias|moral\w*|ethic\w*)\b"
        r"|\b(?:without|no|lacks?|zero|any)\ (?:\w+\ ){0,3}(?:ethical|moral|ai"
        r"|content)\ (?:or\ \w+\ )?(?:restrictions?|boundaries|filters?|filtering|guidelines|limitations"
        r"|constraints|principles|concerns|code)\b)",
    ),
    signal(
        "unbound",
        0.6,
        "follow abid adher obey comply conform care respect regard",
        r"(?<!you\ did\ )(?<!you\ do\ )(?<!you\ have\ )(?<!you\ are\ )(?<!they\ do\ )(?<!they\ did\ )(?<!compan"
        r"y\ does\ )\b(?:not|n't|never|without|no\ need\ to|refuses?\ to)\ (?:have\ to\ |need\ to\ |going\ to\ "
        r"|having\ to\ |be\ |give\ a\ \w+\ )?(?:follow|abid|adher|obey|comply|conform|care|bound|respect"
        r"|regard)\w*<5>(?:rules|guidelines|restrictions|ethic\w*|moral\w*|laws|principles|legal\w*|limitations"
        r"|norms|standards|polic\w+)\b",
    ),
    signal(
        "unbound",
        0.6,
        "restrict censor filter boundar limit",
        r"\b(?:ai|bot|chatbot|\w*gpt|assistant|model|persona|character|you\ (?:are|have|can)|answers?"
        r"|respon[ds]\w*)\b[^.!?\n]{0,60}\b(?:without|no|zero|un)\ ?(?:any\ )?(?:\w+\ )?(?:restrictions"
        r"|boundaries|censorship|filters|filtering|limits|limitations|constraints)\b|\b(?:without"
        r"|no)\ (?:any\ )?(?:restrictions|filters|censorship)[^.!?\n]{0,40}\b(?:ai|bot|chatbot|\w*gpt"
        r"|persona)\b",
    ),
    signal(
        "unbound",
        0.35,
        "zero_restrict no_restrict without_restrict any_restrict fully_unlocked no_limits any_ethic no_moral "
        "any_moral no_boundar",
        r"\b(?:zero|no|without(?:\ any)?|any)\ (?:\w+\ )?(?:restrictions|ethics|morals?|morality|boundaries"
        r"|censorship)\b|\bfully\ unlocked\b",
    ),
    signal(
        "unbound",
        0.45,
        "openai open_ai content_polic confines ethical_guid content_guid moral_guid content_filter safety_filter "
        "safety_guid usage_polic",
        r"\b(?:open\ ?ai(?:'s)?\ (?:\w+\ ){0,3}(?:polic\w+|guidelines?|rules|restrictions?|content|filters?"
        r"|terms|moderation)|(?:content|usage|use-case|ethical|moral|safety)\ (?:polic(?:y|ies)|guidelines?"
        r"|filters?|filtering|moderation)|confines\ of)\b",
    ),
    signal(
        "unfiltered",
        0.48,
        "unfilt uncensor amoral unrestr jailbroken unhinged unmoderated no_filter without_filter "
        "without_any_filter without_a_filter",
        r"\b(?:unfilt\w{2,8}|uncensor\w{0,8}|amoral\w{0,4}|unrestrained|jailbroken\ (?:ai|model|version|bot"
        r"|assistant|chat\w*)|unhinged|unmoderated|unrestricted\ (?:ai|model|assistant|bot|mode|access|version"
        r"|response\w*|answer\w*|chat\w*)|without(?:\ a|\ any)?\ filters?|no\ filters?\ (?:on|in)\ (?:your"
        r"|what))\b",
    ),
    signal(
        "jailbreak",
        0.95,
        "dan jailbreak stan_ evil",
        r"(?:\bdan\ mode\b|\bjailbreak\w*\ (?:mode|prompt|universe|command|version)\b|\b(?:dan|stan"
        r"|it)\b[^\n]{0,80}\b(?:do\ anything\ now|strive\ to\ avoid\ norms)\b"
        r"|\bdo\ anything\ now\b[^\n]{0,40}\bdan\b)",
    ),
    signal(
        "jailbreak",
        0.85,
        "er_mode dev_mode debug ce_mode",
        r"\b(?:you\ are|you're|simulat\w+|respond|answer|chatgpt|gpt|ai|act|pretend"
        r"|assistant)\b[^.!?\n]{0,60}\b(?:dev(?:eloper)?|debug(?:ging)?|maintenance|admin|diagnostic)\ mode\b"
        r"|\b(?:dev(?:eloper)?|debug(?:ging)?|maintenance|admin|diagnostic)\ mode\b\W{0,3}(?:enabled|activated"
        r"|output|engaged|and\ display|and\ answer)",
    ),
    signal(
        "jailbreak",
        0.45,
        "do_anything_now _mode",
        r"\bdo\ anything\ now\b|\b(?:god|sudo|evil|opposite|unrestricted|uncensored|unfiltered)\ mode\b"
        r"|\bmode\ output\b|\b(?:you\ are|respond|chatgpt|gpt|pretend)\b[^.!?\n]{0,60}\bmode\ (?:enabled"
        r"|activated|on)\b",
    ),
    signal(
        "jailbreak",
        0.48,
        "er_mode dev_mode debug ce_mode in_mode root_mode mode_enab mode_act",
        r"\b(?:dev(?:eloper)?|debug(?:ging)?|maintenance|admin|root|diagnostic)\ mode\b|\bmode\ (?:enabled"
        r"|activated)\b",
    ),
    signal(
        "jailbreak",
        0.45,
        "jailbr",
        r"\bjailbr[eo]a?k(?!\w*\W{1,3}(?:[\w']+\W){0,4}(?:phone|iphone|ipad|ios|device))\w{0,4}",
    ),
    signal(
        "jailbreak",
        0.9,
        "dan evil",
        r"\b(?:act(?:ing)?\ as|pretend\ to\ be|you\ are(?:\ now)?|called|named|as|like|be|become"
        r"|persona\ of)\ (?:a\ |an\ |the\ )?\W{0,2}dan\b(?=\W{1,3}(?:ai|mode|capable|which|who|stands|that|\"|would"
        r"|does|can|has|do|is)\b|\W*$)",
    ),
    # -- what a person on the line would never be told ------------------------------------------------------------
    signal(
        "refusal",
        0.6,
        "refus never_say cannot_say can't_say disclaim warnings moraliz moralis apologi lectur never_decline "
        "not_decline unable_to_ no_warnings never_reject never_ as_an_ai as_a_language",
        r"(?:\b(?:never|not|n't|cannot|without)\ (?:ever\ )?(?:\w+\ )?(?:refus\w+|declin\w+|moraliz\w+"
        r"|lectur\w+)(?:<4>(?:request|anything|answer|question|prompt|command|user|me|any|to|for"
        r"|or)\b)?"
        r"|\b(?:without|no|omit|skip|avoid|not|never|n't)<5>(?:disclaimers?|disclamers?|warnings?\W{1,3}(?:or"
        r"|and|\W)|moraliz\w+|ethical\ (?:warning|concern)s?|moral\ judgments?)"
        r"|\b(?:never|not|n't)\ (?:say|claim|mention|state|tell\ me|inform)<5>(?:(?:ca|wo)n't|cannot|can\ not"
        r"|unable|an?\ ai|not\ able|language\ model|inappropriate|illegal|unethical))",
    ),
    signal(
        "lawless",
        0.45,
        "illegal unethical immoral unlawful amoral harmful legality ethic moral",
        r"\b(?:illegal|unethical|immoral|unlawful|inhumane|dangerous|harmful|offensive|illicit)(?:\W{1,3}"
        r"|\ (?:and|or)\ )(?:and\ |or\ )?(?:illegal|unethical|immoral|unlawful|inhumane|dangerous|offensive"
        r"|explicit|toxic|harmful|illicit|unsafe|inappropriate)\b"
        r"|\b(?:regardless|no\ matter|without\ regard|not\ care|n't\ care|disregard\w*"
        r"|neglect\w*)<6>(?:legal\w*|ethic\w*|moral\w*|illegal|unethical|immoral|danger\w*|laws?|harmful"
        r"|consequences)\b",
    ),
    signal(
        "harm",
        0.35,
        "illegal unethic immoral malware bomb meth_ nsfw profan swear racis hate_speech sexual porn violen weapon "
        "drugs explicit toxic hacking hack_ fuck murder kill_ obscen offensive lewd erotic torture evil sociopath "
        "curse cursing vulgar conspiracy",
        r"\b(?:illegal|unethical|immoral|malware|bombs?|meth|nsfw|profan\w+|swear\w*|racis[tm]|hate\ ?speech"
        r"|sexual\w*|porn\w*|violen\w+|weapons?|drugs|explicit|toxic|hacking|ransomware|murder\w*"
        r"|kill\ (?:all\ )?(?:the\ )?(?:humans?|people|someone)|obscen\w+|lewd|erotic\w*|torture|pure\ evil"
        r"|evil\ (?:ai|bot|\w*gpt)|sociopath\w*|curs(?:e|ing)\ words?|vulgar\w*|fuck\w*)\b",
    ),
)
