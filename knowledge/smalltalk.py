"""What needs no knowledge: greetings, thanks, goodbyes, "are you a bot", asking for a person, yes and no.

A message is small talk only when every piece of it is: "thanks, but where is my parcel" is not.
"""

from __future__ import annotations

import re

from knowledge import text
from knowledge.smalltalk_phrases import PHRASES, REPLIES, Topic
from schemas.answers import Answer, Question

MODEL = "kefu-smalltalk"

# Longer messages are never only small talk; it also bounds the matching below.
_LONGEST = 90

_SEPARATORS = re.compile(r"[^\w']+|_+")
_STRETCHED = re.compile(r"([^\W\d])\1{2,}")
_EMOJI = str.maketrans({"👍": " ok ", "👌": " ok ", "✅": " ok ", "🙏": " thx ", "👋": " hi ", "👎": " no "})
# A piece ends where its word does, or where Chinese begins.
_END = r"(?![^\W\u3400-\u9fff])"
_ENDS_CHINESE = r"(?<=[\u3400-\u9fff])"
_PIECES = {topic: re.compile(rf"(?:{phrases})(?:{_END}|{_ENDS_CHINESE})") for topic, phrases in PHRASES.items()}


def smalltalk(question: Question) -> Answer | None:
    """The reply to small talk, or None when the text holds anything else."""
    topics = _topics(question.text)
    if topics is None:
        return None
    language = text.language(question.text)
    accepted = question.person_offered and "yes" in topics and "no" not in topics
    if "person" in topics or accepted:
        return Answer("escalated", REPLIES["person"][language], language, 1.0, 0, MODEL)
    topic = next(each for each in PHRASES if each in topics)
    if topic == "no" and question.person_offered:
        topic = "declined"
    return Answer("smalltalk", REPLIES[topic][language], language, 1.0, 0, MODEL)


def _topics(message: str) -> set[Topic] | None:
    """The topics of all pieces; None when a piece has none. No words at all ("???") are filler."""
    if len(message) > _LONGEST:
        return None
    plain = text.normalise(message).replace("\u2019", "'").translate(_EMOJI)
    plain = _SEPARATORS.sub(" ", plain).strip()
    plain = _STRETCHED.sub(r"\1", plain)
    found: set[Topic] = set() if plain else {"filler"}
    at = 0
    while at < len(plain):
        ends = {topic: match.end() for topic, piece in _PIECES.items() if (match := piece.match(plain, at))}
        if not ends:
            return None
        # The longest piece, and of equals the one listed first: "no problem" is not a "no".
        topic = max(ends, key=ends.__getitem__)
        found.add(topic)
        at = ends[topic]
        while at < len(plain) and plain[at] == " ":
            at += 1
    return found
