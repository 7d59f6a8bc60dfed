"""The catalogues are read as one: a sentence has one translation, whichever of them it is looked up in."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache

from babel.messages.pofile import read_po

from regulars.platform.verification.contracts import CheckResult, Fault
from tests.architecture.errors import placeholders
from tests.architecture.page_texts import texts_of_python
from tests.architecture.source import ROOT, Source, sources

CATALOGUES = sorted(path.stem for path in (ROOT / "src" / "regulars" / "locale" / "zh").glob("*.po"))
_JOINED = re.compile(r"[\u3400-\u9fff](?:[A-Za-z0-9]|\{[a-z_]+\})|(?:[A-Za-z0-9]|\{[a-z_]+\})[\u3400-\u9fff]")


def test_a_sentence_is_translated_in_one_way() -> None:
    found: dict[str, set[str]] = defaultdict(set)
    for source in sorted((ROOT / "src" / "regulars" / "locale" / "zh").glob("*.po")):
        with source.open("rb") as stream:
            for message in read_po(stream):
                if message.id:
                    found[str(message.id)].add(str(message.string))
    assert {sentence: texts for sentence, texts in found.items() if len(texts) > 1} == {}


def test_chinese_has_one_word_for_one_thing() -> None:
    """Consent is 同意, as members read it. What a return takes is 扣回, a gift that staff undo is 撤销, a consent or a
    version that somebody withdraws is 撤回: none is 收回, which cannot be done with a file that is gone.
    """
    gone = [
        "After {count} hours the member's key is destroyed",
        "This look is logged with who took it",
        "What was delivered cannot be called back",
    ]
    other_meanings = {"授权": ["There is one grant here: client_credentials."], "收回": gone}
    said = {english: chinese for room in CATALOGUES for english, chinese in _translations(room).items()}
    for word, meant in other_meanings.items():
        found = sorted([english for english, chinese in said.items() if word in chinese])
        assert [english.startswith(one) for english, one in zip(found, meant, strict=True)] == [True] * len(meant), (
            found
        )


def test_latin_letters_digits_and_places_stand_apart_from_chinese_characters() -> None:
    """What fills a place decides at last: `texts.spaced` takes the space away beside Chinese, and never adds one."""
    chinese = [text for room in CATALOGUES for text in _translations(room).values()]

    assert len(chinese) > 1_000
    assert [text for text in chinese if _JOINED.search(text)] == []
    assert [text for text in ("为{tier}级", "{tier}级", "在API 中", "共 3个") if not _JOINED.search(text)] == []


def test_what_rooms_below_the_pages_mark_is_translated() -> None:
    """Sentences that are told in the console and by the command line stand in the catalogue of their room."""
    rooms = ("platform", "members", "loyalty", "commerce", "engagement")
    for room in rooms:
        marked = {text for source in sources(f"src/regulars/{room}") for text in texts_of_python(source)}
        chinese = _translations(room)
        lacking = sorted(marked - chinese.keys() - _everywhere())
        assert lacking == [], f"write these into src/regulars/locale/zh/{room}.po"
        assert [text for text in marked & chinese.keys() if placeholders(text) != placeholders(chinese[text])] == []
    commands = {text for source in sources("src/regulars/entrypoints") for text in texts_of_python(source)}
    assert sorted(commands - _everywhere()) == [], "write these into src/regulars/locale/zh/platform.po"


def test_what_checks_find_is_told_in_marked_sentences() -> None:
    """A fault whose sentence is written on the spot, or filled already, would be English wherever it is read."""
    assert CheckResult.__annotations__["problems"] == list[Fault]
    found = [f"{source.path}:{line}" for source in sources("src/regulars") for line in unmarked_faults(source)]
    assert found == []


def test_faults_that_are_not_marked_are_found() -> None:
    planted = """
Fault(mark("It is so."))
Fault(NAMED, {"a": 1})
Fault("It is so.")
Fault(f"It is {so}.")
Fault("It " + "is so.")
Fault("It is {0}.".format(so))
Fault(sentence="It is so.")
CheckResult(ok=False, rows_checked=0, problems=["It is so."])
CheckResult(ok=False, rows_checked=0, problems=[f"It is {one}." for one in so])
"""
    assert list(unmarked_faults(Source("src/regulars/planted.py", planted))) == [4, 5, 6, 7, 8, 9, 10]


def unmarked_faults(source: Source) -> Iterator[int]:
    """Yield the lines where a fault gets a sentence that is neither a name nor marked, or a result gets strings."""
    for node in source.nodes(ast.Call) if source.says("Fault", "CheckResult") else []:
        if not isinstance(node.func, ast.Name):
            continue
        given = {one.arg: one.value for one in node.keywords}
        if node.func.id == "Fault":
            sentence = given.get("sentence") or node.args[0]
            if isinstance(sentence, ast.Constant | ast.JoinedStr | ast.BinOp) or (
                isinstance(sentence, ast.Call) and isinstance(sentence.func, ast.Attribute)
            ):
                yield node.lineno
        elif node.func.id == "CheckResult" and "problems" in given:
            problems = given["problems"]
            told = problems.elts if isinstance(problems, ast.List) else [getattr(problems, "elt", None)]
            if any(isinstance(one, ast.Constant | ast.JoinedStr) for one in told):
                yield node.lineno


@cache
def _translations(room: str) -> Mapping[str, str]:
    path = ROOT / "src" / "regulars" / "locale" / "zh" / f"{room}.po"
    with path.open("rb") as stream:
        return {str(one.id): str(one.string) for one in read_po(stream) if one.id}


@cache
def _everywhere() -> frozenset[str]:
    """Return every sentence that has a translation in any catalogue."""
    paths = (ROOT / "src" / "regulars" / "locale" / "zh").glob("*.po")
    return frozenset(english for path in paths for english in _translations(path.stem))
