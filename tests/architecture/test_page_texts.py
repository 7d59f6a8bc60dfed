"""Pages speak Chinese and English, in full."""

from collections import Counter

from tests.architecture.errors import placeholders
from tests.architecture.page_texts import catalogues, page_texts, texts_of_python, texts_of_template, translated
from tests.architecture.source import Source


def test_every_text_of_the_pages_is_translated() -> None:
    said = page_texts()
    chinese = translated()

    assert len(said) > 100
    assert sorted(said - chinese.keys()) == [], "write these into src/regulars/locale/zh/web*.po"
    assert [text for text in sorted(said) if not chinese[text]] == []


def test_no_translation_is_left_over() -> None:
    assert sorted(translated().keys() - page_texts()) == [], "no page says these any more"


def test_a_text_has_one_translation() -> None:
    pairs = {(english, chinese) for one in catalogues() for english, chinese in one.items()}
    several = Counter([english for english, _ in pairs])

    assert [english for english, count in several.items() if count > 1] == []


def test_every_translation_fills_the_same_places() -> None:
    assert [english for english, said in translated().items() if placeholders(english) != placeholders(said)] == []


# --- what was planted is found ---------------------------------------------------------------------------------


def test_texts_of_templates_are_found() -> None:
    template = """{% extends "kit/console.html" %}{% block title %}{{ _("Members") }}{% endblock %}
    {% macro row(one) %}{{ ui.empty(_("Nothing {what}", what=one)) }}{% endmacro %}
    {{ plural("{count} order", "{count} orders", count=2) }}{{ _("Done" if 1 else "Open") }}{{ _(entry.label) }}"""

    assert sorted(texts_of_template(template)) == ["Done", "Members", "Nothing {what}", "Open", "{count} orders"]


def test_texts_of_python_are_found() -> None:
    planted = 'mark("Joined")\nsay("Hello.", language)\nclass Gone(DomainError):\n    message = "It is gone."\n'

    assert sorted(texts_of_python(Source("src/regulars/web/planted.py", planted))) == [
        "Hello.",
        "It is gone.",
        "Joined",
    ]
