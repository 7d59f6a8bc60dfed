"""The catalogues are read as one: a sentence has one translation, whichever of them it is looked up in."""

from collections import defaultdict

from babel.messages.pofile import read_po

from tests.architecture.source import ROOT


def test_a_sentence_is_translated_in_one_way() -> None:
    found: dict[str, set[str]] = defaultdict(set)
    for source in sorted((ROOT / "src" / "regulars" / "locale" / "zh").glob("*.po")):
        with source.open("rb") as stream:
            for message in read_po(stream):
                if message.id:
                    found[str(message.id)].add(str(message.string))
    assert {sentence: texts for sentence, texts in found.items() if len(texts) > 1} == {}
