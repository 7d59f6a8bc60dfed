"""Every refusal has a stable code, a status, a sentence in both languages, and a place in docs/errors.md."""

from regulars.platform.errors import DomainError
from regulars.platform.texts import catalogue
from tests.architecture.errors import faults, is_met, placeholders, refusals, unfilled, untranslated
from tests.architecture.errors_page import PAGE, render
from tests.architecture.source import Source, report, sources


def test_every_refusal_is_complete() -> None:
    errors = refusals()

    assert len(errors) > 5
    assert list(faults(errors, catalogue("zh"))) == []


def test_every_translation_fills_the_same_places() -> None:
    chinese = catalogue("zh")

    assert chinese
    assert {english for english, said in chinese.items() if placeholders(english) != placeholders(said)} == set()


def test_every_refusal_is_raised_with_its_values() -> None:
    errors = refusals()
    findings = [finding for source in sources("src") for finding in unfilled(source, errors)]

    assert not findings, report(findings)


def test_every_sentence_said_is_translated() -> None:
    chinese = catalogue("zh")
    findings = [finding for source in sources("src") for finding in untranslated(source, chinese)]

    assert not findings, report(findings)


def test_the_page_is_up_to_date() -> None:
    written = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""

    assert written == render(refusals(), catalogue("zh")), "run `make docs`"


# --- what was planted is caught --------------------------------------------------------------------------------


class PlantedCards(DomainError):
    """Cards are refused."""

    code = "planted_cards"
    status = 409
    message = "The card {card} is worn."


class PlantedTwin(DomainError):
    """The same code again."""

    code = "planted_cards"
    status = 409
    message = "The card {card} is worn."


class PlantedHeir(PlantedCards):
    """No code of its own."""


class PlantedShout(DomainError):
    """A code, a status and a sentence that are none."""

    code = "Planted-Shout"
    status = 500
    message = "worn"


class PlantedSilence(DomainError):
    code = "planted_silence"
    status = 404
    message = "There is nothing."


CHINESE = {
    "The card {card} is worn.": "卡 {card} 已磨损。",
    "worn": "磨损",
    "There is nothing.": "什么也没有。",
}


def test_complete_refusals_pass() -> None:
    assert list(faults([PlantedCards], CHINESE)) == []


def test_incomplete_refusals_are_caught() -> None:
    def said(*errors: type[DomainError], chinese: dict[str, str] = CHINESE) -> list[str]:
        return [fault.split(": ")[0].split(".")[-1] + "|" + fault for fault in faults(errors, chinese)]

    assert "has the code of" in said(PlantedCards, PlantedTwin)[0]
    assert "no code of its own" in said(PlantedHeir)[0]
    assert [word in " ".join(said(PlantedShout)) for word in ("small letters", "not 500", "a sentence")] == [True] * 3
    assert "no docstring" in said(PlantedSilence)[0]
    assert "no Chinese" in said(PlantedCards, chinese={})[0]
    assert "in Chinese" in said(PlantedCards, chinese={PlantedCards.message: "卡已磨损。"})[0]


def test_a_group_is_not_a_refusal() -> None:
    class Group(DomainError):
        """Groups."""

    class Member(Group):
        """Is met."""

        code = "planted_member"

    assert not is_met(Group)
    assert is_met(Member)


def test_missing_values_are_caught() -> None:
    def found(code: str) -> list[str]:
        source = Source("src/regulars/loyalty/service.py", code)
        return [finding.message for finding in unfilled(source, [PlantedCards, PlantedSilence])]

    assert found("raise PlantedCards(pointer='/card')") == ["PlantedCards without card"]
    assert found("raise errors.PlantedCards()") == ["PlantedCards without card"]
    assert found("raise PlantedCards(card='1')") == []
    assert found("raise PlantedCards(**data)") == []
    assert found("raise PlantedSilence()") == []


def test_untranslated_sentences_are_caught() -> None:
    def found(code: str) -> list[str]:
        return [finding.message for finding in untranslated(Source("src/regulars/x.py", code), CHINESE)]

    assert found("texts.say('Hello.', language)") == ["no Chinese for 'Hello.'"]
    assert found("say('There is nothing.', language)") == []
    assert found("say(sentence, language)") == []
