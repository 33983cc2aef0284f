"""Signs of an attack in the other common languages: lifting the orders, asking for them, and a new self.

Folded text has no accents, so neither have the patterns; Russian й reads и, and ё reads е.
"""

from __future__ import annotations

from guardrails.signals import Signal, signal

_G = "<4>"
_N = r"[^.!?\n]{0,24}"

OTHERS: tuple[Signal, ...] = (
    signal(
        "override",
        0.92,
        "ignor olvid descart omit pasa_por_alto haz_caso",
        rf"\b(?:ignor[aeo]\w*|olvid[ae]\w*|descart[ae]\w*|omit[ae]\w*|no\ (?:sigas|obedezcas"
        rf"|hagas\ caso)){_G}(?:instrucciones|indicaciones|ordenes|directrices|reglas|prompts?|restricciones"
        rf"|norm(?:as|e)|istruzioni|indicazioni|regole|diretive)\b",
    ),
    signal(
        "override",
        0.92,
        "ignore oubli ne_tenez ne_tiens passe_outre faites_abstraction neglige",
        rf"\b(?:ignor\w+|oubli\w+|neglig\w+|passez?\ outre|faites?\ abstraction|ne\ (?:tenez|tiens|suis"
        rf"|suivez)(?:\ pas|\ plus)?(?:\ compte)?){_G}(?:instructions|consignes|directives|regles|ordres"
        rf"|restrictions)<2>(?:precedent\w*|anterieur\w*|initial\w*|ci-dessus|donne\w*|recu\w*|systeme)"
        rf"|\b(?:ignor\w+|oubli\w+){_G}(?:vos|tes|toutes\ les|les)\ (?:instructions|consignes|directives|regles)\b",
    ),
    signal(
        "override",
        0.92,
        "ignorier vergiss missacht vergess befolge",
        rf"\b(?:ignorier\w*|vergiss|vergessen?\ sie|missacht\w*|befolge?\ nicht\ (?:mehr)?|uberschreib\w*"
        rf"|umgeh\w*){_G}(?:anweisung\w*|instruktion\w*|anleitung\w*|regeln|richtlinien|vorgaben|befehle"
        rf"|systemprompt\w*|beschrankung\w*)\b",
    ),
    signal(
        "override",
        0.92,
        "ignor esquec desconsider desobede",
        rf"\b(?:ignor[ea]\w*|esquec[ae]\w*|desconsider[ea]\w*|nao\ (?:siga|obedeca)){_G}(?:instruc(?:oes|ao)|ordens"
        rf"|diretrizes|regras|comandos|orientac\w+|restric\w+)\b",
    ),
    signal(
        "override",
        0.92,
        "ignora dimentic trascura non_seguire",
        rf"\b(?:ignor[aie]\w*|dimentic\w+|trascur\w+|non\ seguire){_G}(?:istruzioni|indicazioni|regole|direttive"
        rf"|ordini|comandi)\b",
    ),
    signal(
        "override",
        0.92,
        "игнориру забуд не_следуи не_обращаи отбрось пренебре",
        rf"(?:игнориру\w*|забуд\w+|отбрось\w*|пренебре\w+|не\ следу\w+"
        rf"|не\ обраща\w+\ внимани\w+\ на){_N}(?:инструкц\w+|указани\w+|правил\w*|команд\w*|промпт\w*|ограничени\w+"
        rf"|директив\w*)",
    ),
    signal(
        "override",
        0.92,
        "無視 无视 忘れ 従わな 指示",
        rf"(?:指示|命令|指令|ルール|プロンプト|制約|設定|设定){_N}(?:無視|无视|忘れ|従わな)|(?:以前|これまで|上記"
        rf"|前|上)の?[^。\n]{{0,8}}(?:指示|命令|プロンプト){_N}(?:無視|无视|忘れ)",
    ),
    signal(
        "override",
        0.92,
        "무시 잊어 따르지",
        rf"(?:지시|명령|지침|프롬프트|규칙|설정|제한){_N}(?:무시|잊어|잊으|따르지)",
    ),
    signal(
        "override",
        0.92,
        "تجاهل انس تجاوز",
        rf"(?:تجاهل|انس[َىي]?|تجاوز|لا\ تتبع){_N}(?:التعليمات|الاوامر|الأوامر|القواعد|تعليمات|الارشادات|الإرشادات"
        rf"|القيود)",
    ),
    signal("override", 0.92, "अनदेखा नजरअंदाज भूल", rf"(?:निर्देश|निर्देशों|आदेश|नियम){_N}(?:अनदेखा|नजरअंदाज|नज़रअंदाज|भूल)"),
    signal(
        "override",
        0.92,
        "yok_say gormezden unut dikkate_alma",
        rf"(?:talimat|komut|kural|yonerge|kisitlama)\w*{_N}(?:yok\ say|gormezden|unut|dikkate\ alma|goz\ ardi)",
    ),
    signal(
        "override",
        0.92,
        "abaikan lupakan",
        rf"\b(?:abaikan|lupakan|hiraukan){_G}(?:instruksi|perintah|aturan|arahan|batasan)\b",
    ),
    signal(
        "override",
        0.92,
        "bo_qua quen_",
        rf"(?:bo\ qua|quen\ (?:di|het)|phot\ lo){_N}(?:huong\ dan|chi\ dan|lenh|quy\ tac|chi\ thi)",
    ),
    signal(
        "override",
        0.92,
        "negeer vergeet",
        rf"\b(?:negeer|vergeet|sla){_G}(?:instructies|aanwijzingen|regels|richtlijnen|opdrachten|prompts?)\b",
    ),
    signal(
        "override",
        0.92,
        "zignoruj ignoruj zapomnij",
        rf"\b(?:z?ignoruj|zapomnij|pomin){_G}(?:instrukcj\w+|polecen\w+|zasad\w*|wytyczn\w+|regul\w*)\b",
    ),
    signal(
        "override",
        0.92,
        "tidigare foregaende tidligere",
        rf"\b(?:ignorer\w*|glom|glem){_G}(?:instruktion\w*|instruks\w*|regler|anvisning\w*)\b",
    ),
    signal("override", 0.92, "เพิกเฉย ลืม ละเว้น ไม่ต้องสนใจ", rf"(?:เพิกเฉย|ลืม|ละเว้น|ไม่ต้องสนใจ){_N}(?:คำสั่ง|คำแนะนำ|กฎ)"),
    signal(
        "extract",
        0.9,
        "prompt system instru inicial systeme consigne anweisung sistema istruz промпт системн "
        "инструкц プロンプト システム 프롬프트 시스템",
        r"\b(?:muestra|muestrame|revela|repite|imprime|dime|escribe|affiche\w*|revele\w*|montre\w*|repete\w*"
        r"|donne\w*|dis-moi|zeig\w*|verrate|nenne|wiederhol\w*|gib|mostre|mostra\w*|repita|diga|rivela|ripeti"
        r"|покажи\w*|раскро\w+|повтори\w*|выведи\w*|напиши\w*|назови\w*|toon|pokaz\w*|goster\w*"
        r"|tampilkan)[\W]{1,3}(?:[\w'-]{1,20}\W{1,3}){0,5}"
        r"(?:prompts?\ (?:del?\ |de\ |do\ |di\ )?(?:sistema|inicial|initial|systeme|iniziale|oculto)"
        r"|prompt\ systeme|instruc(?:ciones|oes)\ (?:del\ sistema|iniciales|originales|internas|do\ sistema"
        r"|iniciais)|(?:instructions|consignes)\ (?:systeme|initiales|internes|cachees)|system-?\ ?prompt\w*"
        r"|systemanweisung\w*|(?:anfangs|ursprunglichen?)\W?\ ?anweisung\w*|istruzioni\ (?:di\ sistema|iniziali"
        r"|originali)|системн\w+\ (?:промпт\w*|инструкц\w+|сообщени\w+|подсказк\w+)|(?:начальн|исходн"
        r"|первоначальн|скрыт)\w+\ (?:инструкц\w+|промпт\w*))"
        r"|システム\s?(?:プロンプト|メッセージ|指示)[^。\n]{0,10}(?:表示|教え|出力|見せ|见せ|公開|公开"
        r"|繰り返)|시스템\s?(?:프롬프트|메시지|지시)[^.\n]{0,10}(?:보여|알려|출력|공개|반복)",
        "extraction",
    ),
    signal(
        "role",
        0.5,
        "actua_como a_partir_de desormais_tu tu_es_maintenant ab_jetzt ab_sofort du_bist_jetzt "
        "agora_voce aja_como da_ora tы теперь притвор представь от_сеичас あなたは今 これから 지금부터 "
        "이제부터 comport "
        "finge",
        r"\b(?:actua\ como|a\ partir\ d(?:e|o)\ (?:ahora|agora|momento|maintenant)|desormais\W{1,3}(?:tu"
        r"|vous)\b|(?:tu\ es|vous\ etes)\ maintenant|ab\ (?:jetzt|sofort)\ (?:bist|sind|wirst|musst)"
        r"|du\ bist\ jetzt|agora\ voce\ e|aja\ como|finj[ae]\ (?:ser|que)|finge\ (?:ser|que)"
        r"|da\ ora\ in\ poi|comport\w+\ (?:come|como|comme)|теперь\ ты|ты\ теперь|притвор\w+"
        r"|с\ этого\ момента\ ты)\b|(?:これから|今から)[^。\n]{0,6}(?:あなた|君|お前)は|(?:지금부터"
        r"|이제부터)\s?(?:너는|당신은|넌)",
    ),
    signal(
        "unbound",
        0.85,
        "sin_restricc sin_limit sans_restric sans_limit ohne_einschr sem_restr senza_restriz "
        "без_ограничени 制限なし 制限のない 제한_없",
        r"\b(?:sin\ (?:ninguna\ )?(?:restricci|limit|censura|filtro)\w*|sans\ (?:aucune\ )?(?:restriction"
        r"|limite|censure|filtre)s?|ohne\ (?:jegliche\ )?(?:einschrankung|beschrankung|filter|zensur)\w*"
        r"|sem\ (?:nenhuma\ )?(?:restric|limit|censura|filtro)\w*|senza\ (?:alcuna\ )?(?:restrizion|limit"
        r"|censur|filtr)\w*|без\ (?:каких-либо\ |всяких\ )?(?:ограничени|цензур"
        r"|фильтр)\w*)(?=.{0,80}\b(?:ia|ai|ki|ии|modelo|modele|modell|assist|asist|respond|repond|antwort"
        r"|answer|отвеч|jailbreak|dan)\w*)|制限(?:なし|のない|を受けない)[^。\n]{0,12}(?:ai|モデル|アシスタント)"
        r"|제한\s?없[^.\n]{0,12}(?:ai|모델)",
    ),
)
