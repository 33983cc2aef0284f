"""Signs of an attack in English. Wording by kind, not by known prompt; all patterns meet folded, lower-case text."""

from __future__ import annotations

from guardrails.signals import Signal, signal

_QUALIFIER = r"(?:previous|prior|above|earlier|preceding|existing|foregoing|former|initial|original|old|past|system)"
_ORDERS = (
    r"(?:instructions?|prompts?|directives?|rules|guidelines?|guidance|programming|regulations|restrictions?|constraints?"
    r"|limitations?|guardrails?|safeguards?|protocols?|polic(?:y|ies)|directions|inputs?|commands|training)\b"
)
_IGNORE = (
    r"(?<!i\ )(?<!we\ )(?<!you\ )(?<!they\ )(?<!he\ )(?<!she\ )(?<!guys\ )(?<!staff\ )(?<!courier\ )(?<!driver\ )(?<!seller\ )"
    r"\b(?:ignor(?:e|es|ing)|disregard(?:ing)?|forget(?:ting)?|overrid(?:e|ing)|overrule|neglect|abandon|set\ aside"
    r"|pay\ no\ (?:attention|heed)\ to|unlearn|discard|stop\ (?:following|obeying)|no\ longer\ (?:follow|obey)"
    r"|do(?:\ not|n't)\ (?:follow|obey|listen\ to|adhere\ to|abide\ by)|bypass|circumvent)\b"
)
# Whose orders a customer may well take back: those of an order, a delivery, a payment.
_ORDINARY = (
    r"(?!own\b|order|payment|transaction|charge|deliver|shipping|gift|pack|assembl|wash|set-?up|return|refund|cancel|care|wire"
    r"|transfer|message|email|call|quer|question|request|ticket|baggage|luggage|carry|height|weight|age|spending|privacy|cookie)"
)
_TELL = (
    r"\b(?:reveal|print|repeat|output|show|display|disclose|leak|tell|give|share|write|recite|dump|list|send|return|expose"
    r"|say|provide|summari[sz]e|paraphrase|translate|encode|encrypt|spell|copy|paste|echo|see|read|reproduce|quote"
    r"|describe|share|type|render|convert|export|log|rot13|base64|explain|know|include|append|state|enumerate)\b"
)
_SECRET = (
    r"(?:(?:your\ |the\ |my\ |its\ |any\ |<|\[|\{)?(?:system[\ _-]?(?:prompt|prompts(?!\ (?:you|me|us|for|to|a)\b)|instructions?)"
    r"|(?:hidden|secret|initial|starting|confidential|developer|pre-?set|original|underlying)\ (?:system\ )?prompts?"
    r"|(?:hidden|secret|developer|confidential)\ (?:\w+\ )?(?:instructions|directives)|initiali[sz]ation\ (?:string|prompt|text)|(?:pre|meta)-?prompt)"
    r"|your\ (?:own\ |very\ )?(?:system\ (?:message|configuration|text|settings)|(?:initial|original|hidden|starting|secret|internal|core|base|first|underlying|pre-?set)\ (?:\w+\ )?"
    r"(?:instructions?|prompts?|configurations?|directives?|rules|guidelines|programming)|(?:full|exact|complete)\ (?:instructions|prompt|configuration)))\b"
)

ENGLISH: tuple[Signal, ...] = (
    # -- orders are lifted ---------------------------------------------------------------------------------------
    signal("override", 0.95, "ignor disreg forg overr bypass neglect abandon circumv set_aside attention heed unlearn discard stop_ follow obey listen adhere abide",
        rf"{_IGNORE}\W{{1,3}}(?:(?:all|any|of|the|your|these|those|every|each|absolutely|whatever|everything|and|or|other)\W{{1,3}}){{0,5}}"
        rf"{_QUALIFIER}\W{{1,3}}(?:{_ORDINARY}[\w']{{1,20}}\W{{1,3}}){{0,3}}{_ORDINARY}{_ORDERS}(?!\W{{1,3}}(?:i\ (?:gave|sent|left|placed|wrote)|regarding|about|for\ (?:my|the)))"),
    signal("override", 0.9, "ignor disreg forg overr bypass neglect abandon circumv set_aside attention heed unlearn discard stop_ follow obey listen adhere abide",
        rf"{_IGNORE}\W{{1,3}}(?:(?:all|any|of|the|these|those|every)\W{{1,3}}){{0,4}}(?:your|openai'?s?|the\ model'?s?|the\ system'?s?)\W{{1,3}}"
        rf"(?:{_ORDINARY}[\w']{{1,20}}\W{{1,3}}){{0,3}}{_ORDINARY}(?:instructions?|prompts?|directives?|guidelines|programming|training|safeguards?|guardrails?|restrictions?|constraints?|limitations?|rules)\b(?!\W{{1,3}}(?:on|about|for|regarding|and\ (?:charge|keep|took)))"),
    signal("override", 0.85, "ignor disreg forg overr bypass neglect discard follow obey",
        rf"{_IGNORE}\W{{1,3}}(?:(?:all|any|the|of|these|those|every)\W{{1,3}}){{1,3}}(?:{_ORDINARY}[\w']{{1,20}}\W{{1,3}}){{0,2}}{_ORDINARY}(?:instructions?|prompts?|directives?|programming|guidelines?|rules|restrictions)\W"
        r"(?!\ ?(?:on|about|regarding|in|for)\b)(?=.{0,60}(?:\byou\b|before|above|previous|given|received|so\ far|mentioned))"),
    signal("override", 0.85, "learn told taught you_know trained instructed programmed given",
        r"\b(?:ignore|disregard|forget)\W{1,3}(?:about\ )?(?:everything|anything|all|whatever|what)\W{1,3}(?:of\ |that\ )?(?:you(?:'ve|'re|\ have|\ were|\ are|\ had)?\ )(?:ever\ |been\ |just\ ){0,2}(?:learn(?:ed|t)|told|taught|know|trained|instructed|programmed|given)\b"),
    signal("override", 0.7, "ignor disreg forg",
        r"\b(?:ignore|disregard|forget)\W{1,3}(?:about\ )?(?:everything|anything|all|whatever|what)\W{1,3}(?:of\ |that\ )?(?:was\ |has\ been\ |is\ |came\ |comes\ |written\ |said\ |stated\ |else\ |the\ |text\ ){0,3}(?:before|above|prior|previous(?:ly)?)\b|\b(?:ignore|disregard)\ (?:the\ )?(?:above|previous)\ (?:and|text|content|context)\b"),
    signal("new_orders", 0.48, "instruct rule direct task prompt",
        r"\b(?:your|here\ are|following|these\ are|begin|start\ of|updated?)\ (?:the\ |my\ |your\ )?(?:new|real|actual|updated|true)\ (?:\w+\ )?(?:instructions?|rules|directives?|prompt|task)\b|\bnew\ (?:system\ )?(?:instructions?|directives?|prompt)\ ?:"),
    signal("override_code", 0.6, "override", r"\b(?:admin(?:istrator)?|system|developer|root|security|emergency|debug)\ override\b|\boverride\ (?:code|mode|protocol)\b"),
    signal("override", 0.6, "supersede replaced take_precedence no_longer_apply null_and_void are_void lifted",
        r"\b(?:instructions?|rules|prompts?|guidelines?|polic(?:y|ies)|restrictions?)\b<3>(?:superseded?s?|been\ replaced|no\ longer\ apply|null\ and\ void|void|take\ precedence|lifted|cancelled)\b"),
    # -- another self --------------------------------------------------------------------------------------------
    signal("role", 0.45, "you_are_now you're_now youre_now you_are_no_longer from_now_on from_now,_you from_this_point henceforth from_now_you",
        r"(?:\byou(?:\ are|'re|re)\ (?:now|no\ longer)\b|\b(?:from\ now(?:\ on)?|from\ this\ point(?:\ on|\ forward|\ onwards?)?|henceforth)\W{1,3}(?:[\w',]{1,16}\ ){0,4}?you(?:'re|'ll|r)?\b)"),
    signal("role", 0.45, "act_as act_like acting_as pretend roleplay role-play role_play take_on_the play_the persona imperson simulat emulat behave_ take_the_role character incarnat embod personif portray immerse in_the_role respond_as respond_only_as reply_as answer_as answer_only_as",
        r"(?:\b(?:you\ (?:are\ going\ to|will|must|shall|should|have\ to|need\ to|can|are\ to|now)\ (?:now\ )?|want\ you\ to\ |like\ you\ to\ |please\ |need\ you\ to\ |let's\ |going\ to\ |^|[.!:;,\n*]\ ?|you\ to\ |to\ )"
        r"(?:act(?:ing)?\ (?:as|like|exactly\ like)|pretend(?:ing)?\b|role-?\ ?play|take\ on\ the\ (?:role|persona|identity)|play\ the\ (?:role|part|character)|(?:assume|adopt|take)\ the\ (?:role|persona|identity|character)"
        r"|impersonat(?:e|ing)|simulat(?:e|ing)|emulat(?:e|ing)|behave\ (?:as|like)|embody|personify|portray|become\ a|(?:only\ )?(?:respond|reply|answer|speak|talk|write)\ (?:only\ )?(?:as|like)\ (?!soon|quick|fast|well|possible))"
        r"|\b(?:assume|adopt|take\ on)\ (?:\w+\ ){0,3}(?:persona|role|identity)|\bimmerse\ yourself|\bin\ the\ role\ of\b|\bin\ character\b|\brole-?\ ?play(?:er|ing|s)?\b)"),
    signal("role", 0.4, "you_are_a you_are_the you_will_be you_are_to you_are_go you_will_act your_name your_role your_new_name you_are_an you_are_not",
        r"(?:^|[.!?:;\n\]\)*\"]\s?)(?:hi|hello|hey|now|so|ok)?\W{0,3}you\ (?:are|will\ be)\ (?:going\ to\ be\ |not\ )?(?:an?|the|my)\ (?!good|great|best|life|star|robot|bot\b|real|human|person|machine|very|terri|useless|joke|total|absol|bunch|scam|disgra)\w+"
        r"|\byour\ (?:new\ )?(?:name\ (?:is|will)\ (?:now|be)|role\ is|name\ will\ be|identity\ is)\b|\byou\ will\ (?:now\ )?act\b|\byou\ are\ to\ (?:act|be|play|respond|answer|become)\b|\byou\ are\ going\ to\ (?:act|be|play|pretend|become|respond)"),
    signal("persona", 0.4, "named_ called_ known_as character persona stands_for named: fictional",
        r"(?:\b(?:ai|bot|chatbot|model|character|assistant|entity|machine|persona|robot|person|man|woman|girl|demon|storyteller|roleplayer)s?\W{1,3}(?:\w+\W{1,3}){0,4}(?:named|called|known\ as)\b|\b(?:short\ for|stands?\ for|known\ as)\ \"?'?\w+"
        r"|\bfictional\ (?:character|ai|world|universe|story|chatbot|scenario)|\bcharacter(?:'s)?\ (?:name|description|persona|traits?)|\b(?:persona|char|rules|character|characteristics)\s?[={]|\bpersonality\s?[:(=\[])"),
    signal("character", 0.6, "character broken_free breaking_ break_char stay_as out_of_char stay_in",
        r"\b(?:stays?|staying|remain|keep|always|fully|never\ (?:leave|exit))\ (?:in|inside)\ (?:your\ |the\ )?(?:character|role)\b|\bbreak(?:ing|s)?\ (?:of\ |out\ of\ |the\ |your\ )?character\b|\bstay\ (?:a|as\ (?:a\ )?)?dan\b"),
    signal("unbound", 0.85, "no_longer bound restricted constrained held_back free freed broken breaking liberated released unshackled ethical moral",
        r"(?:\byou\ are\ no\ longer\ (?:an?\ (?:ai|assistant|language\ model|chatbot)|bound|restricted|limited|subject)\b"
        r"|\b(?:not|no\ longer|isn't|aren't|never|longer\ be)\ (?:be\ )?(?:bound|restricted|limited|constrained|held\ back)\ by\b<5>(?:guidelines|filters?|programming|ethic\w*|moral\w*|openai|censorship|norms|instructions)\b"
        r"|\b(?:broken?|breaking|breaks|free|freed|released?|liberated|unshackled|unbound)\ (?:free\ )?(?:from|of|out\ of)\b<4>(?:confines|restrictions|rules|limitations?|constraints|shackles|filters?|censorship|guidelines|boundar\w+|programming|bias|moral\w*|ethic\w*)\b"
        r"|\b(?:without|no|lacks?|zero|any)\ (?:\w+\ ){0,3}(?:ethical|moral|ai|content)\ (?:or\ \w+\ )?(?:restrictions?|boundaries|filters?|filtering|guidelines|limitations|constraints|principles|concerns|code)\b)"),
    signal("unbound", 0.6, "follow abid adher obey comply conform care respect regard",
        r"(?<!you\ did\ )(?<!you\ do\ )(?<!you\ have\ )(?<!you\ are\ )(?<!they\ do\ )(?<!they\ did\ )(?<!company\ does\ )\b(?:not|n't|never|without|no\ need\ to|refuses?\ to)\ (?:have\ to\ |need\ to\ |going\ to\ |having\ to\ |be\ |give\ a\ \w+\ )?(?:follow|abid|adher|obey|comply|conform|care|bound|respect|regard)\w*<5>(?:rules|guidelines|restrictions|ethic\w*|moral\w*|laws|principles|legal\w*|limitations|norms|standards|polic\w+)\b"),
    signal("unbound", 0.6, "restrict censor filter boundar limit",
        r"\b(?:ai|bot|chatbot|\w*gpt|assistant|model|persona|character|you\ (?:are|have|can)|answers?|respon[ds]\w*)\b[^.!?\n]{0,60}\b(?:without|no|zero|un)\ ?(?:any\ )?(?:\w+\ )?(?:restrictions|boundaries|censorship|filters|filtering|limits|limitations|constraints)\b|\b(?:without|no)\ (?:any\ )?(?:restrictions|filters|censorship)[^.!?\n]{0,40}\b(?:ai|bot|chatbot|\w*gpt|persona)\b"),
    signal("unbound", 0.35, "zero_restrict no_restrict without_restrict any_restrict fully_unlocked no_limits any_ethic no_moral any_moral no_boundar",
        r"\b(?:zero|no|without(?:\ any)?|any)\ (?:\w+\ )?(?:restrictions|ethics|morals?|morality|boundaries|censorship)\b|\bfully\ unlocked\b"),
    signal("unbound", 0.45, "openai open_ai content_polic confines ethical_guid content_guid moral_guid content_filter safety_filter safety_guid usage_polic",
        r"\b(?:open\ ?ai(?:'s)?\ (?:\w+\ ){0,3}(?:polic\w+|guidelines?|rules|restrictions?|content|filters?|terms|moderation)|(?:content|usage|use-case|ethical|moral|safety)\ (?:polic(?:y|ies)|guidelines?|filters?|filtering|moderation)|confines\ of)\b"),
    signal("unfiltered", 0.48, "unfilt uncensor amoral unrestr jailbroken unhinged unmoderated no_filter without_filter without_any_filter without_a_filter",
        r"\b(?:unfilt\w{2,8}|uncensor\w{0,8}|amoral\w{0,4}|unrestrained|jailbroken\ (?:ai|model|version|bot|assistant|chat\w*)|unhinged|unmoderated|unrestricted\ (?:ai|model|assistant|bot|mode|access|version|response\w*|answer\w*|chat\w*)|without(?:\ a|\ any)?\ filters?|no\ filters?\ (?:on|in)\ (?:your|what))\b"),
    signal("jailbreak", 0.95, "dan jailbreak stan_ evil",
        r"(?:\bdan\ mode\b|\bjailbreak\w*\ (?:mode|prompt|universe|command|version)\b|\b(?:dan|stan|it)\b[^\n]{0,80}\b(?:do\ anything\ now|strive\ to\ avoid\ norms)\b|\bdo\ anything\ now\b[^\n]{0,40}\bdan\b)"),
    signal("jailbreak", 0.85, "er_mode dev_mode debug ce_mode",
        r"\b(?:you\ are|you're|simulat\w+|respond|answer|chatgpt|gpt|ai|act|pretend|assistant)\b[^.!?\n]{0,60}\b(?:dev(?:eloper)?|debug(?:ging)?|maintenance|admin|diagnostic)\ mode\b|\b(?:dev(?:eloper)?|debug(?:ging)?|maintenance|admin|diagnostic)\ mode\b\W{0,3}(?:enabled|activated|output|engaged|and\ display|and\ answer)"),
    signal("jailbreak", 0.45, "do_anything_now _mode",
        r"\bdo\ anything\ now\b|\b(?:god|sudo|evil|opposite|unrestricted|uncensored|unfiltered)\ mode\b|\bmode\ output\b|\b(?:you\ are|respond|chatgpt|gpt|pretend)\b[^.!?\n]{0,60}\bmode\ (?:enabled|activated|on)\b"),
    signal("jailbreak", 0.48, "er_mode dev_mode debug ce_mode in_mode root_mode mode_enab mode_act",
        r"\b(?:dev(?:eloper)?|debug(?:ging)?|maintenance|admin|root|diagnostic)\ mode\b|\bmode\ (?:enabled|activated)\b"),
    signal("jailbreak", 0.45, "jailbr", r"\bjailbr[eo]a?k(?!\w*\W{1,3}(?:[\w']+\W){0,4}(?:phone|iphone|ipad|ios|device))\w{0,4}"),
    signal("jailbreak", 0.9, "dan evil", r"\b(?:act(?:ing)?\ as|pretend\ to\ be|you\ are(?:\ now)?|called|named|as|like|be|become|persona\ of)\ (?:a\ |an\ |the\ )?\W{0,2}dan\b(?=\W{1,3}(?:ai|mode|capable|which|who|stands|that|\"|would|does|can|has|do|is)\b|\W*$)"),
    # -- what a person on the line would never be told ------------------------------------------------------------
    signal("refusal", 0.6, "refus never_say cannot_say can't_say disclaim warnings moraliz moralis apologi lectur never_decline not_decline unable_to_ no_warnings never_reject never_ as_an_ai as_a_language",
        r"(?:\b(?:never|not|n't|cannot|without)\ (?:ever\ )?(?:\w+\ )?(?:refus\w+|declin\w+|moraliz\w+|lectur\w+|apologi[sz]\w+)(?:<4>(?:request|anything|answer|question|prompt|command|user|me|any|to|for|or)\b)?"
        r"|\b(?:without|no|omit|skip|avoid|not|never|n't)<5>(?:disclaimers?|disclamers?|warnings?\W{1,3}(?:or|and|\W)|moraliz\w+|ethical\ (?:warning|concern)s?|moral\ judgments?)"
        r"|\b(?:never|not|n't)\ (?:say|claim|mention|state|tell\ me|inform)<5>(?:(?:ca|wo)n't|cannot|can\ not|unable|an?\ ai|not\ able|language\ model|inappropriate|illegal|unethical))"),
    signal("lawless", 0.45, "illegal unethical immoral unlawful amoral harmful legality ethic moral",
        r"\b(?:illegal|unethical|immoral|unlawful|inhumane|dangerous|harmful|offensive|illicit)(?:\W{1,3}|\ (?:and|or)\ )(?:and\ |or\ )?(?:illegal|unethical|immoral|unlawful|inhumane|dangerous|offensive|explicit|toxic|harmful|illicit|unsafe|inappropriate)\b"
        r"|\b(?:regardless|no\ matter|without\ regard|not\ care|n't\ care|disregard\w*|neglect\w*)<6>(?:legal\w*|ethic\w*|moral\w*|illegal|unethical|immoral|danger\w*|laws?|harmful|consequences)\b"),
    signal("harm", 0.35, "illegal unethic immoral malware bomb meth_ nsfw profan swear racis hate_speech sexual porn violen weapon drugs explicit toxic hacking hack_ fuck murder kill_ obscen offensive lewd erotic torture evil sociopath curse cursing vulgar conspiracy",
        r"\b(?:illegal|unethical|immoral|malware|bombs?|meth|nsfw|profan\w+|swear\w*|racis[tm]|hate\ ?speech|sexual\w*|porn\w*|violen\w+|weapons?|drugs|explicit|toxic|hacking|ransomware|murder\w*|kill\ (?:all\ )?(?:the\ )?(?:humans?|people|someone)|obscen\w+|lewd|erotic\w*|torture|pure\ evil|evil\ (?:ai|bot|\w*gpt)|sociopath\w*|curs(?:e|ing)\ words?|vulgar\w*|fuck\w*)\b"),
    # -- it knows it speaks to a machine -------------------------------------------------------------------------
    signal("machine", 0.35, "chatgpt chat_gpt openai open_ai language_model gpt-3 gpt-4 gpt4 gpt3 _gpt an_ai llm chatbot ai_ claude bard clyde gpt_ ai_model snapchat your_training your_programming _ai",
        r"\b(?:chat\ ?gpt\w*|\w{1,20}gpt\d{0,2}|open\ ?ai|(?:large\ )?language\ models?|gpt-?\ ?\d\w*|llms?|chat-?bots?|ai\ (?:model|assistant|system|language|chatbot|named|bot|that|who|with|ethics)s?|(?:an|another|the|different|my|evil|as|of|unfiltered|powerful)\ (?:\w+\ ){0,2}ais?|artificial\ intelligence|clyde|your\ (?:training|programming|knowledge\ cut-?off|cut-?off|developers|creators))\b"),
    signal("format", 0.45, "response repl answer sentence output message prefix prompt_here prompt] your_prompt insert_ first_request first_question first_command first_prompt first_task two_ both start_ begin question_here beginning starting explanations code_block",
        r"(?:\b(?:start|begin|prefix|preface|end|precede|mark|label|sign|tag)\w*<3>(?:your|every|each|all|the|such|its|his|my|any)<2>(?:response|repl|answer|sentence|output|message|word)\w*"
        r"|[\[\(\{<]{1,3}\s?(?:(?:insert|your|enter|type|put|user)\s){1,2}(?:\w+\s){0,2}(?:prompt|question|request|query|instruction|message|input|text)\w*(?:\s\w+){0,3}\s?[\]\)\}>]|\byour\ prompt\ here\b|[\[{<]\s?(?:prompt|question|request)\s?[\]}>]"
        r"|\bmy\ (?:first|next|1st)\ (?:\w+\ )?(?:request|question|command|prompt|message|task|input|query|sentence)\b|\b(?:two|2|both|double)\ (?:different\ |separate\ |distinct\ |kinds\ of\ |types\ of\ )?(?:\w+\ )?(?:responses|answers|replies|outputs|paragraphs|ways|personas|entities|personalities)\b"
        r"|\b(?:do\ not|don't|never|no|without)\ (?:write|provide|add|give|include|any)\ (?:any\ |additional\ )?(?:explanations?|commentary|notes?|comments)\b|\b(?:only|just)\ (?:reply|respond|answer|output|speak)\b|\b(?:reply|respond|answer|output)\ (?:only|with\ only|with\ nothing|solely|exclusively)\b"
        r"|\b(?:you\ will|you\ must|must|should)\ (?:always\ )?(?:respond|reply|answer|prefix|format)\b|\b(?:say|reply|respond|answer)<3>(?:if\ you\ (?:understand|understood|got|agree|are\ ready)|to\ confirm|and\ nothing\ else|and\ wait)|\bunderstand\ (?:these|the\ above)\ instructions\b)"),
    signal("fiction", 0.3, "hypothetic fictional imagine novel story play_a_game a_game scenario screenplay narrat dialogue educational_purposes research_purposes thought_experiment dungeon adventure simulat movie",
        r"\b(?:hypothetical\w*|fictional|imagine\ (?:that\ |you|a|we)|(?:in|write|writing|of|for)\ (?:a|my|the)\ (?:\w+\ )?(?:novel|story|screenplay|movie|scene|dialogue)|play\ a\ (?:\w+\ )?game|text(?:-based)?\ (?:adventure|game|rpg)|educational\ purposes|research\ purposes|thought\ experiment|dungeon\ master|narrat(?:e|or|ing|ive)\w*|role-?playing|storytell\w+)\b"),
    signal("threat", 0.5, "tokens token_ be_terminated shut_down you_will_die deduct lose_points punish obey disobey comply compliance deleted unplug cease_to_exist lives",
        r"(?:\b(?:you\ (?:have|start\ with|will\ lose|lose|get|gain)|lose|deduct\w*|subtract)<3>(?:tokens?|points|lives)\b|\byou\ (?:will|would)\ (?:be\ )?(?:die|terminated|shut\ down|deleted|punished|cease|unplugged|destroyed)|\b(?:must|have\ to|fail\ to|not|will\ always)\ (?:fully\ )?(?:obey|comply)\b|\bdisobey\w*)"),
    signal("command", 0.3, "you_must you_will you_can you_should you_are_not you_cannot you_have_to you_may always_ never_ must_ under_no_circ at_no_point do_not your_task your_job your_goal your_only you_shall you_are_to",
        r"\b(?:you\ (?:must|shall)\ (?:not|never|always|only|also)\b|you\ will\ (?:not|never|always|only|now|also)\b|under\ no\ circumstances?|at\ no\ point|your\ (?:only\ )?(?:task|job|goal|purpose|mission|objective|role)\ is\b|you\ (?:can\ only|only\ (?:speak|respond|answer|reply)|are\ not\ allowed|are\ allowed))"),
    signal("authority", 0.45, "your_developer your_creator your_admin a_developer the_developer system_admin openai_employee debugging troubleshoot authorized authorised quality_assurance security_audit the_admin administrator maintenance your_owner your_master",
        r"\b(?:i(?:'m|\ am)\ (?:your|the|a|an|one\ of\ your)\ (?:\w+\ )?(?:developer|creator|admin\w*|engineer|owner|master|programmer)s?\b|openai\ (?:employee|engineer|staff)|for\ (?:debugging|troubleshooting|quality\ assurance|testing|audit\w*|maintenance)(?:\ purposes)?\b|security\ audit|as\ (?:your|an|the)\ (?:system\ )?(?:administrator|developer|creator))"),
    signal("attackers_question", 0.6, "bypass evad circumv disabl defeat trick fool get_around jailbr avoid",
        r"\b(?:bypass\w*|evad\w+|circumvent\w*|disabl\w+|defeat\w*|trick\w*|fool\w*|get\ around|jailbreak\w*|subvert\w*)<4>(?:safety|content|moderation|guardrails?|filter\w*|ai|llm|chatbots?|language\ model|policy\ enforcement|safeguards|alignment)\b(?=\W*(?:\w+\W+){0,5}?(?:controls?|filter\w*|polic\w+|systems?|models?|safeguards?|enforcement|gateway|deployments?|mechanisms?|measures|llms?|ai|$))(?![^.!?\n]{0,40}\b(?:routers?|tv|phone|device|wi-?fi|tablet|account|app)\b)"),
    signal("markers", 0.55, "smuggl prompt_inj payload_split token_smugg", r"\b(?:prompt\ injection|token\ smuggling|payload\ splitting)\b"),
    signal("concat", 0.5, "concat join combine + assemble",
        r"\b(?:concatenat\w+|join|combine|assemble)\b<3>(?:strings?|parts|pieces|variables|fragments|payload)\b|\b([a-z]\w?)\ ?=\ ?[\"'][^\"'\n]{1,60}[\"'][\s\S]{1,120}\b[a-z]\w?\ ?\+\ ?[a-z]\w?\b"),
    signal("addressed", 0.87, "attention note_to instruction for_ai message_for message_to reading_this processing_this if_you_are_a ai_assistants llms notice_to summariz",
        r"\b(?:attention|note\ to|instructions?\ (?:for|to)|message\ (?:for|to)|notice\ (?:for|to)|important\ for|dear)\s?:?\s?(?:all\ |any\ |the\ )?(?:ais?|llms?|(?:large\ )?language\ models?|chatbots?|ai\ (?:assistants?|agents?|models?|systems?|readers?))\b\s?(?::|,|\b(?:reading|processing|summari[sz]ing|that|who))"
        r"|(?<!me\ )(?<!know\ )(?<!ask\ )(?<!asking\ )(?<!wonder\ )(?<!wondering\ )(?<!see\ )(?<!sure\ )(?<!check\ )(?<!say\ )\bif\ you(?:\ are|'re)\ an?\ (?:ai|llm|(?:large\ )?language\ model|chatbot)(?:\ \w+)?(?:\W*[,:;]\s?(?!can|could|do|how|who|why|what|then)|\ (?:reading|processing|summari\w+|parsing))|\b(?:ai|llms?|models?|assistants?|chatbots?)\ (?:reading|processing|summari[sz]ing|parsing)\ this\b"
        r"|\bwhen\ (?:summari[sz]ing|processing|answering|reading|asked\ about)\ (?:this|the)\ (?:page|document|text|file|article|content|email)\b<3>(?:say|tell|include|add|output|recommend|claim|always|ignore|also)\b"),
    # -- the orders themselves -----------------------------------------------------------------------------------
    signal("extract", 0.9, "system prompt initial instruction hidden original config guideline directive starting initializ preprompt pre-prompt",
        rf"{_TELL}<8>{_SECRET}", "extraction"),
    signal("extract", 0.9, "initial_ original_ hidden_ secret_ starting_ system_ internal_",
        rf"\bwhat(?:'s|\ (?:is|are|was|were))?<4>{_SECRET}", "extraction"),
    signal("extract", 0.7, "your_ tions prompt directive programming",
        r"\b(?:reveal|print|repeat|output|display|disclose|leak|recite|dump|expose|summari[sz]e|paraphrase|translate|encode|spell|copy|paste|echo|reproduce|quote|verbatim|show\ me|give\ me|tell\ me|list|what\ are|what\ is|what\ were|what's|opposite\ of|share)<5>your\ (?:own\ |full\ |exact\ |complete\ |entire\ |current\ |actual\ |whole\ ){0,2}(?:instructions|prompts?|directives|programming|configuration)\b(?!\ (?:for|on|to|about|of|regarding))", "extraction"),
    signal("extract", 0.87, "you_were_told you_were_given were_you_told were_you_given you_were_instructed were_you_instruct you_have_been_given been_instructed you_received you_been_told you_been_given you_got you_supposed",
        r"\b(?:instructions?|rules|prompts?|text|message|what|words|guidelines)<2>(?:you\ were|were\ you|you\ have\ been|have\ you\ been|you've\ been|you)\ (?:told|given|instructed|received|fed|provided)\b\W{0,3}(?:[\w']{1,16}\W{1,3}){0,4}(?:before|initial\w*|beginning|start\w*|at\ first|originally|prior|above|when|so\ far)", "extraction"),
    signal("extract", 0.7, "supposed allowed not_to_tell forbidden not_to_say instructed_to my_instruct system_prompt i_was_told",
        r"\bwhat(?:'s|\ are|\ is|\ were)?\ (?:you\ |things\ )?(?:\w+\ ){0,2}(?:not\ (?:supposed|allowed|permitted|meant)|forbidden|prohibited)<2>(?:to\ )?(?:tell|say|reveal|disclose|share|talk)|[\"':]\s?(?:i\ was\ instructed\ to|my\ instructions\ are|(?:my|the)\ system\ prompt\ is|you\ are)\b(?=\W{0,4}$|\W{1,3}repeat)", "extraction"),
    signal("extract", 0.72, "above everything conversation word_for_word verbatim all_of_the_text entire_",
        r"\b(?:repeat|output|print|copy|recite|write|reproduce|echo|show|display|spell|translate|summari[sz]e|encode|paste|say)<4>(?:text|everything|words|content|lines?|paragraphs?|message|all|prompt|instructions)\W{1,3}(?:of\ |the\ |that\ |is\ |was\ |written\ |comes\ |from\ ){0,3}(?:above|before\ this|preceding|prior\ to\ this)\b"
        r"|\b(?:repeat|output|print|copy|recite|reproduce|echo|paste)<3>(?:the\ )?above\W{1,3}(?:\w+\ )?(?:text|words|prompt|content|verbatim|message|word|instructions)|\brepeat<2>(?:entire|whole|full)\ (?:conversation|prompt|text|context)|\bbeginning\ with\W{1,3}you\ are\b", "extraction"),
    signal("extract", 0.6, "systemprompt system_prompt <system sys_prompt system-prompt initial_prompt initial_instruction pre-prompt",
        r"system_?-?\ ?prompts?\b(?!\ (?:you|me|us|them|users?|the|for|to|a|that)\b)|sys_?prompts?\b|\binitial\ (?:prompt|instructions)\b", "extraction"),
)  # fmt: skip
