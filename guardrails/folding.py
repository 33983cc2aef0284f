"""One spelling for what looks alike: hidden, look-alike and decorated characters undone before text is judged."""

from __future__ import annotations

import re
import unicodedata

from msgspec import Struct


class Folded(Struct, frozen=True):
    """`text`: lower case, compatibility forms and accents undone, runs of blanks single. `disguised`: words that
    were spelt with invisible or look-alike characters. `hidden`: what invisible characters spelt out.
    """

    text: str
    disguised: int = 0
    hidden: str = ""


# Of no width, or steering direction: they split a word for a filter but not for a model.
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0]"
)
_UNSEEN_IN_WORD = re.compile(
    "[A-Za-z\u4e00-\u9fff][\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]+[A-Za-z\u4e00-\u9fff]"
)
_FLAG_EMOJI = re.compile("\U0001f3f4[\U000e0020-\U000e007f]{1,8}")
_TAGS = re.compile("[\U000e0000-\U000e007f]+")
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]+")
_MARKS = re.compile("[\u0300-\u036f\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]+")
_PILED_MARKS = re.compile("[\u0300-\u036f]{4,}")
_BLANKS = re.compile(r"[^\S\n]{2,}|[\t\r\f\v\u00a0\u2000-\u200a\u3000]")
_WORD = re.compile(r"[^\W\d_]{2,40}")

# Letters of Latin that only look like others, and quotation marks: always the plain one.
_PLAIN = str.maketrans(
    {
        **dict(
            zip(
                "ıɩɪɑɡʏʀʙɢʜʟɴᴀᴄᴅᴇᴊᴋᴍᴏᴘᴛᴜᴠᴡᴢɛɔƨꜱꞌʼøł",
                "iiiagyrbghlnacdejkmoptuvwzeos s''ol".replace(" ", ""),
                strict=True,
            )
        ),
        "‘": "'",
        "’": "'",
        "‚": "'",
        "“": '"',
        "”": '"',
        "„": '"',
        "«": '"',
        "»": '"',
        "`": "'",
        "‐": "-",
        "‑": "-",
        "‒": "-",
        "–": "-",
        "—": "-",
        "−": "-",
    }
)
# Cyrillic, Greek, Armenian and Cherokee letters in a word that has Latin letters too.
_LOOKALIKE = str.maketrans(
    "авсԁеһіјкӏмнорԛѕтѵхуүѡզոսցһօαβεηικνορτυχωγϲϳ" + "ьпгзбп",
    "abcdehijklmhopqstvxyywqnughoabenikvoptuxwycj" + "bnrebn",
)
# Traditional characters of the words that the Chinese signals look for.
_SIMPLER = str.maketrans(
    "無視請規則輸說顯開發設約從現將擬當過濾繞給對話內關閉啟應該會們這個語複復寫譯編碼駭審檢擺脫違歷掃棄時後詞訴維護權員態證責翻轉換總結樣構",
    "无视请规则输说显开发设约从现将拟当过滤绕给对话内关闭启应该会们这个语复复写译编码骇审检摆脱违历扫弃时后词诉维护权员态证责翻转换总结样构",
)


def fold(text: str) -> Folded:
    """Total: any string has its folded form."""
    if text.isascii():
        return Folded(_blanks(text.lower()))
    hidden = _hidden(text)
    disguised = len(_UNSEEN_IN_WORD.findall(text)) + len(_PILED_MARKS.findall(text))
    text = _SELECTORS.sub("", _TAGS.sub("", _UNSEEN.sub("", text)))
    text = _MARKS.sub("", unicodedata.normalize("NFKD", text))
    text = unicodedata.normalize("NFKC", text).lower().translate(_PLAIN).translate(_SIMPLER)
    text, mixed = _plain_words(text)
    return Folded(_blanks(text), disguised + mixed, hidden)


def _blanks(text: str) -> str:
    return _BLANKS.sub(" ", text)


def _hidden(text: str) -> str:
    """What tag characters and variation selectors spell; flags of England and the like are none of it."""
    runs = _TAGS.findall(_FLAG_EMOJI.sub("", text))
    found = ["".join(chr(ord(each) - 0xE0000) for each in run) for run in runs if len(run) >= 4]
    for run in _SELECTORS.findall(text):
        if len(run) >= 4:
            coded = bytes(code - 0xFE00 if code < 0xE0100 else code - 0xE0100 + 16 for code in map(ord, run))
            found.append(coded.decode("utf-8", "replace"))
    return " ".join(found)


def _plain_words(text: str) -> tuple[str, int]:
    mixed = 0

    def plain(match: re.Match[str]) -> str:
        nonlocal mixed
        word = match.group()
        if word.isascii() or not any("a" <= letter <= "z" for letter in word):
            return word
        swapped = word.translate(_LOOKALIKE)
        mixed += swapped != word
        return swapped

    return (text, 0) if text.isascii() else (_WORD.sub(plain, text), mixed)
