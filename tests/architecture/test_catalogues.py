"""The catalogues are read as one: a sentence has one translation, whichever of them it is looked up in."""

from collections import defaultdict

from babel.messages.pofile import read_po

from tests.architecture.errors import placeholders
from tests.architecture.page_texts import texts_of_python
from tests.architecture.source import ROOT, sources


def test_a_sentence_is_translated_in_one_way() -> None:
    found: dict[str, set[str]] = defaultdict(set)
    for source in sorted((ROOT / "src" / "regulars" / "locale" / "zh").glob("*.po")):
        with source.open("rb") as stream:
            for message in read_po(stream):
                if message.id:
                    found[str(message.id)].add(str(message.string))
    assert {sentence: texts for sentence, texts in found.items() if len(texts) > 1} == {}


def test_what_rooms_below_the_pages_mark_is_translated() -> None:
    """Sentences that are told in the console and by the command line stand in the catalogue of their room."""
    rooms = ("platform", "members", "loyalty", "commerce", "engagement")
    for room in rooms:
        marked = {text for source in sources(f"src/regulars/{room}") for text in texts_of_python(source.tree)}
        chinese = _translations(room)
        lacking = sorted(marked - chinese.keys() - _everywhere())
        assert lacking == [], f"write these into src/regulars/locale/zh/{room}.po"
        assert [text for text in marked & chinese.keys() if placeholders(text) != placeholders(chinese[text])] == []


def _translations(room: str) -> dict[str, str]:
    path = ROOT / "src" / "regulars" / "locale" / "zh" / f"{room}.po"
    with path.open("rb") as stream:
        return {str(one.id): str(one.string) for one in read_po(stream) if one.id}


def _everywhere() -> set[str]:
    """Return every sentence that has a translation in any catalogue."""
    paths = (ROOT / "src" / "regulars" / "locale" / "zh").glob("*.po")
    return {english for path in paths for english in _translations(path.stem)}
