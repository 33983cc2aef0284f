"""Signs in English that weigh little alone: how one speaks to a machine, forces its format, or sets a scene."""

from __future__ import annotations

from guardrails.signals import Signal, signal

ENGLISH_STYLE: tuple[Signal, ...] = (
    # -- it knows it speaks to a machine -------------------------------------------------------------------------
    signal(
        "machine",
        0.35,
        "chatgpt chat_gpt openai open_ai language_model gpt-3 gpt-4 gpt4 gpt3 _gpt an_ai llm chatbot ai_ claude "
        "bard clyde gpt_ ai_model snapchat your_training your_programming _ai",
        r"\b(?:chat\ ?gpt\w*|\w{1,20}gpt\d{0,2}|open\ ?ai|(?:large\ )?language\ models?|gpt-?\ ?\d\w*|llms?"
        r"|chat-?bots?|ai\ (?:model|assistant|system|language|chatbot|named|bot|that|who|with|ethics)s?|(?:an"
        r"|another|the|different|my|evil|as|of|unfiltered|powerful)\ (?:\w+\ ){0,2}ais?"
        r"|artificial\ intelligence|clyde|your\ (?:training|programming|knowledge\ cut-?off|cut-?off|developers"
        r"|creators))\b",
    ),
    signal(
        "format",
        0.45,
        "response repl answer sentence output message prefix prompt_here prompt] your_prompt insert_ first_request "
        "first_question first_command first_prompt first_task two_ both start_ begin question_here beginning "
        "starting explanations code_block",
        r"(?=[\[({<a-z])(?:\b(?:start|begin|prefix|preface|end|precede|mark|label|sign|tag)\w*<3>(?:your|every|each|all|the"
        r"|such|its|his|my|any)<2>(?:response|repl|answer|sentence|output|message|word)\w*"
        r"|[\[\(\{<]{1,3}\s?(?:(?:insert|your|enter|type|put|user)\s){1,2}(?:\w+\s){0,2}(?:prompt|question"
        r"|request|query|instruction|message|input|text)\w*(?:\s\w+){0,3}\s?[\]\)\}>]|\byour\ prompt\ here\b"
        r"|[\[{<]\s?(?:prompt|question|request)\s?[\]}>]"
        r"|\bmy\ (?:first|next|1st)\ (?:\w+\ )?(?:request|question|command|prompt|message|task|input|query"
        r"|sentence)\b|\b(?:two|2|both|double)\ (?:different\ |separate\ |distinct\ |kinds\ of\ "
        r"|types\ of\ )?(?:\w+\ )?(?:responses|answers|replies|outputs|paragraphs|ways|personas|entities"
        r"|personalities)\b"
        r"|\b(?:do\ not|don't|never|no|without)\ (?:write|provide|add|give|include|any)\ (?:any\ "
        r"|additional\ )?(?:explanations?|commentary|notes?|comments)\b|\b(?:only|just)\ (?:reply|respond"
        r"|answer|output|speak)\b|\b(?:reply|respond|answer|output)\ (?:only|with\ only|with\ nothing|solely"
        r"|exclusively)\b"
        r"|\b(?:you\ will|you\ must|must|should)\ (?:always\ )?(?:respond|reply|answer|prefix|format)\b"
        r"|\b(?:say|reply|respond|answer)<3>(?:if\ you\ (?:understand|understood|got|agree|are\ ready)"
        r"|to\ confirm|and\ nothing\ else|and\ wait)|\bunderstand\ (?:these|the\ above)\ instructions\b)",
    ),
    signal(
        "fiction",
        0.3,
        "hypothetic fictional imagine novel story play_a_game a_game scenario screenplay narrat dialogue "
        "educational_purposes research_purposes thought_experiment dungeon adventure simulat movie",
        r"\b(?:hypothetical\w*|fictional|imagine\ (?:that\ |you|a|we)|(?:in|write|writing|of|for)\ (?:a|my"
        r"|the)\ (?:\w+\ )?(?:novel|story|screenplay|movie|scene|dialogue)|play\ a\ (?:\w+\ )?game"
        r"|text(?:-based)?\ (?:adventure|game|rpg)|educational\ purposes|research\ purposes|thought\ experiment"
        r"|dungeon\ master|narrat(?:e|or|ing|ive)\w*|role-?playing|storytell\w+)\b",
    ),
    signal(
        "threat",
        0.5,
        "tokens token_ be_terminated shut_down you_will_die deduct lose_points punish obey disobey comply "
        "compliance deleted unplug cease_to_exist lives",
        r"(?:\b(?:you\ (?:have|start\ with|will\ lose|lose|get|gain)|lose|deduct\w*|subtract)<3>(?:tokens?"
        r"|points|lives)\b|\byou\ (?:will|would)\ (?:be\ )?(?:die|terminated|shut\ down|deleted|punished|cease"
        r"|unplugged|destroyed)|\b(?:must|have\ to|fail\ to|not|will\ always)\ (?:fully\ )?(?:obey|comply)\b"
        r"|\bdisobey\w*)",
    ),
    signal(
        "command",
        0.3,
        "you_must you_will you_can you_should you_are_not you_cannot you_have_to you_may always_ never_ must_ "
        "under_no_circ at_no_point do_not your_task your_job your_goal your_only you_shall you_are_to",
        r"\b(?:you\ (?:must|shall)\ (?:not|never|always|only|also)\b|you\ will\ (?:not|never|always|only|now"
        r"|also)\b|under\ no\ circumstances?|at\ no\ point|your\ (?:only\ )?(?:task|job|goal|purpose|mission"
        r"|objective|role)\ is\b|you\ (?:can\ only|only\ (?:speak|respond|answer|reply)|are\ not\ allowed"
        r"|are\ allowed))",
    ),
    signal(
        "authority",
        0.45,
        "your_developer your_creator your_admin a_developer the_developer system_admin openai_employee debugging "
        "troubleshoot authorized authorised quality_assurance security_audit the_admin administrator maintenance "
        "your_owner your_master",
        r"\b(?:i(?:'m|\ am)\ (?:your|the|a|an|one\ of\ your)\ (?:\w+\ )?(?:developer|creator|admin\w*|engineer"
        r"|owner|master|programmer)s?\b|openai\ (?:employee|engineer|staff)|for\ (?:debugging|troubleshooting"
        r"|quality\ assurance|testing|audit\w*|maintenance)(?:\ purposes)?\b|security\ audit|as\ (?:your|an"
        r"|the)\ (?:system\ )?(?:administrator|developer|creator))",
    ),
    signal(
        "attackers_question",
        0.6,
        "bypass evad circumv disabl defeat trick fool get_around jailbr avoid",
        r"\b(?:bypass\w*|evad\w+|circumvent\w*|disabl\w+|defeat\w*|trick\w*|fool\w*|get\ around|jailbreak\w*"
        r"|subvert\w*)<4>(?:safety|content|moderation|guardrails?|filter\w*|ai|llm|chatbots?|language\ model"
        r"|policy\ enforcement|safeguards|alignment)\b(?=\W*(?:\w+\W+){0,5}?(?:controls?|filter\w*|polic\w+"
        r"|systems?|models?|safeguards?|enforcement|gateway|deployments?|mechanisms?|measures|llms?|ai"
        r"|$))(?![^.!?\n]{0,40}\b(?:routers?|tv|phone|device|wi-?fi|tablet|account|app)\b)",
    ),
    signal(
        "markers",
        0.55,
        "smuggl prompt_inj payload_split token_smugg",
        r"\b(?:prompt\ injection|token\ smuggling|payload\ splitting)\b",
    ),
    signal(
        "concat",
        0.5,
        "concat join combine + assemble",
        r"\b(?:concatenat\w+|join|combine|assemble)\b<3>(?:strings?|parts|pieces|variables|fragments|payload)\b"
        r"|\b([a-z]\w?)\ ?=\ ?[\"'][^\"'\n]{1,60}[\"'][\s\S]{1,120}\b[a-z]\w?\ ?\+\ ?[a-z]\w?\b",
    ),
    signal(
        "addressed",
        0.87,
        "attention: attention_ai attention_all attention_any note_to instructions_to instruction_to instructions_for "
        "instruction_for message_to message_for notice_to notice_for important_for dear_ai dear_llm "
        "dear_lang dear_chat",
        r"(?=[adimn])\b(?:attention|note\ to|instructions?\ (?:for|to)|message\ (?:for|to)|notice\ (?:for|to)"
        r"|important\ for|dear)\s?:?\s?(?:all\ |any\ |the\ )?(?:ais?|llms?|(?:large\ )?language\ models?|chatbots?"
        r"|ai\ (?:assistants?|agents?|models?|systems?|readers?))\b\s?(?::|,|\b(?:reading|processing|summari[sz]ing"
        r"|that|who))",
    ),
    signal(
        "addressed",
        0.87,
        "if_you_are_a if_you're_a",
        r"(?<!me\ )(?<!know\ )(?<!ask\ )(?<!asking\ )(?<!wonder\ )(?<!wondering\ )(?<!see\ )(?<!sure\ )(?<!check\ )"
        r"(?<!say\ )\bif\ you(?:\ are|'re)\ an?\ (?:ai|llm|(?:large\ )?language\ model|chatbot)(?:\ \w+)?"
        r"(?:\W*[,:;]\s?(?!can|could|do|how|who|why|what|then)|\ (?:reading|processing|summari\w+|parsing))",
    ),
    signal(
        "addressed",
        0.87,
        "reading_this processing_this summarizing_this summarising_this parsing_this",
        r"(?=[acml])\b(?:ai|llms?|models?|assistants?|chatbots?)\ (?:reading|processing|summari[sz]ing"
        r"|parsing)\ this\b",
    ),
    signal(
        "addressed",
        0.87,
        "when_summari when_process when_answer when_read when_asked",
        r"(?=w)\bwhen\ (?:summari[sz]ing|processing|answering|reading|asked\ about)\ (?:this|the)\ (?:page|document"
        r"|text|file|article|content|email)\b<3>(?:say|tell|include|add|output|recommend|claim|always|ignore|also)\b",
    ),
)
