"""placeholder"""

from schemas.answers import Answer, Question


def smalltalk(question: Question) -> Answer | None:
    return None
