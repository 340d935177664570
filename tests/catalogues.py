"""The catalogues of texts: read from the sources, merged with what is translated, compiled.

`python -m tests.catalogues` brings portal/locale up to date: new texts come untranslated, texts
nobody uses any more go. Pure Python; nothing of GNU gettext is needed.
"""

from __future__ import annotations

import ast
import io
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
LOCALES = ROOT / "portal" / "locale"
LANGUAGES = ("de", "nl")
PACKAGES = ("portal", "fabric", "plans", "tenants")
KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
_PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|%%|%[sd]")


def po_of(language: str) -> Path:
    return LOCALES / language / "LC_MESSAGES" / "django.po"


def sources() -> Iterator[Path]:
    """Yield every file with texts, always in the same order."""
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))
    for suffix in ("html", "txt"):
        yield from sorted((ROOT / "templates").rglob(f"*.{suffix}"))


def extracted() -> Catalog:
    """Return every text of the sources, each with the files it stands in."""
    catalog = Catalog(fuzzy=False)
    for path in sources():
        place = str(path.relative_to(ROOT))
        for id, context in _texts(path):
            catalog.add(id, locations=[(place, 0)], context=context)
    for title in _step_titles():
        catalog.add(title, locations=[("steps of jobs", 0)])
    return catalog


def _texts(path: Path) -> Iterator[tuple[str | tuple[str, ...], str | None]]:
    source = path.read_text()
    if path.suffix == ".py":
        if "gettext" in source:
            yield from _of_python(source)
        return
    from django.utils.translation.template import templatize

    # What stands around the texts is blanked out, so its indentation means nothing.
    source = "\n".join(line.strip() for line in templatize(source).splitlines())
    for _line, id, _comments, context in extract(
        "python", io.BytesIO(source.encode()), keywords=KEYWORDS
    ):
        yield id, context


def _of_python(source: str) -> Iterator[tuple[str | tuple[str, ...], str | None]]:
    """Yield what is given to gettext as it is; what comes from elsewhere is read there."""
    for call in ast.walk(ast.parse(source)):
        name = getattr(call.func, "id", "") if isinstance(call, ast.Call) else ""
        if not isinstance(call, ast.Call) or name not in KEYWORDS:
            continue
        given = [arg.value if isinstance(arg, ast.Constant) else None for arg in call.args]
        context = given.pop(0) if "pgettext" in name or "npgettext" in name else None
        texts = tuple(given[: 2 if name.startswith("n") else 1])
        if texts and all(isinstance(text, str) for text in texts):
            yield (texts if len(texts) > 1 else texts[0]), context


def _step_titles() -> Iterator[str]:
    """Yield what jobs and steps are called: rows keep it in English, pages translate it."""
    for path in sorted((ROOT / "fabric").rglob("jobs/*.py")):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and _makes_a_step(call.func):
                yield from _title(call)


def _makes_a_step(maker: ast.expr) -> bool:
    return getattr(maker, "id", "") in ("Step", "Recipe") or getattr(maker, "attr", "") == "wait"


def _title(call: ast.Call) -> Iterator[str]:
    found = [word.value for word in call.keywords if word.arg == "title"] + call.args[1:2]
    for value in found:
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield value.value


def merged(language: str) -> Catalog:
    """Return the texts of the sources with what the language's catalogue says to them."""
    catalog = extracted()
    catalog.locale = language
    catalog.project, catalog.version = "Katal", ""
    # So that nothing but texts changes a file.
    catalog.creation_date = catalog.revision_date = datetime(2026, 1, 1, tzinfo=UTC)
    path = po_of(language)
    known = read_po(io.BytesIO(path.read_bytes()), locale=language) if path.exists() else Catalog()
    for message in catalog:
        before = known.get(message.id, message.context) if message.id else None
        if before is not None:
            message.string = before.string
    return catalog


def written(catalog: Catalog) -> bytes:
    """Return the catalogue as its file has it: sorted, places without line numbers."""
    text = io.BytesIO()
    write_po(text, catalog, sort_output=True, include_lineno=False, omit_header=True, width=100)
    head = (
        f'msgid ""\nmsgstr ""\n"Language: {catalog.locale}\\n"\n"MIME-Version: 1.0\\n"\n'
        '"Content-Type: text/plain; charset=utf-8\\n"\n'
        '"Content-Transfer-Encoding: 8bit\\n"\n"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n'
    )
    return head.encode() + text.getvalue()


def compiled(catalog: Catalog) -> bytes:
    """Return what Django reads."""
    machine = io.BytesIO()
    write_mo(machine, catalog)
    return machine.getvalue()


def placeholders(text: str) -> list[str]:
    """Return what a text leaves open, sorted."""
    return sorted(match.group(0) for match in _PLACEHOLDER.finditer(text) if match[0] != "%%")


def untranslated(catalog: Catalog) -> list[Message]:
    """Return the messages of which a form says nothing."""
    return [message for message in catalog if message.id and not all(_forms(message))]


def _forms(message: Message) -> tuple[str, ...]:
    return message.string if isinstance(message.string, tuple) else (message.string,)


def update() -> None:
    """Write the catalogues of every language, and say how much is missing."""
    for language in LANGUAGES:
        catalog = merged(language)
        path = po_of(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(written(catalog))
        path.with_suffix(".mo").write_bytes(compiled(catalog))
        print(f"{language}: {len(catalog)} texts, {len(untranslated(catalog))} not translated")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.test")
    import django

    django.setup()
    update()
