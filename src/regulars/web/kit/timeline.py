"""An entry of a timeline."""

from dataclasses import dataclass
from datetime import date, datetime

from regulars.web.kit.cells import Tone


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened; texts are as they are shown, so a page translates what is not data."""

    at: datetime | date
    title: str
    text: str = ""
    path: str = ""
    tone: Tone = "neutral"
