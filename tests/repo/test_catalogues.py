"""The catalogues: nothing missing, nothing left over, nothing that would break a page."""

from __future__ import annotations

import pytest

from tests import catalogues

LANGUAGES = pytest.mark.parametrize("language", catalogues.LANGUAGES)


@pytest.fixture(scope="module")
def merged():
    return {language: catalogues.merged(language) for language in catalogues.LANGUAGES}


@LANGUAGES
def test_the_file_knows_the_texts_of_the_sources_and_no_others(language, merged) -> None:
    path = catalogues.po_of(language)
    assert path.read_bytes() == catalogues.written(merged[language]), (
        "run python -m tests.catalogues, and translate what is new"
    )


@LANGUAGES
def test_everything_is_translated(language, merged) -> None:
    assert [message.id for message in catalogues.untranslated(merged[language])] == []


@LANGUAGES
def test_what_django_reads_is_what_the_file_says(language, merged) -> None:
    machine = catalogues.po_of(language).with_suffix(".mo")
    assert machine.read_bytes() == catalogues.compiled(merged[language])


@LANGUAGES
def test_a_translation_leaves_open_what_the_text_does(language, merged) -> None:
    wrong = []
    for message in merged[language]:
        if not message.id:
            continue
        texts = message.id if isinstance(message.id, tuple) else (message.id,)
        said = message.string if isinstance(message.string, tuple) else (message.string,)
        wanted = catalogues.placeholders(texts[-1])
        if catalogues.placeholders(said[-1]) != wanted:
            wrong.append(message.id)
        # One may be said without its number.
        if any(set(catalogues.placeholders(form)) - set(wanted) for form in said):
            wrong.append(message.id)
    assert not wrong


def test_a_text_that_is_new_is_found(tmp_path, monkeypatch) -> None:
    page = tmp_path / "page.html"
    page.write_text('{% load i18n %}\n  {% translate "Brand new" %}\n')
    assert [text for text, _context in catalogues._texts(page)] == ["Brand new"]
    module = tmp_path / "module.py"
    module.write_text('from django.utils.translation import gettext as _\n_("Also " "new")\n_(x)\n')
    assert [text for text, _context in catalogues._texts(module)] == ["Also new"]
