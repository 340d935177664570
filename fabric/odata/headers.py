"""Request headers of the protocol: preferences, versions, entity tags."""

from __future__ import annotations

import re
from typing import Final

from fabric.odata.errors import BadRequest

NEWEST: Final = 3
# No client states more; a quote without an end would be looked for again and again.
MAX_PREFERENCES: Final = 1_000

_VERSION = re.compile(r"\s*([0-9]{1,3})\.([0-9]{1,3})\s*(?:;.*)?\Z", re.ASCII)
_TAG = r'(?:W/)?"[^"]*"'
_TAGS = re.compile(rf"\s*(?:\*|{_TAG}(?:\s*,\s*{_TAG})*)\s*\Z")
_PREFERENCE = re.compile(
    r"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*(?:=\s*(\"(?:[^\"\\]|\\.)*\"|[^\s,;\"]*)\s*)?"
    r"((?:;(?:\"(?:[^\"\\]|\\.)*\"|[^,\"])*)?)(?:,|\Z)"
)
# What RFC 7240 calls by other names.
_SYNONYMS: Final = {
    ("return", "representation"): "return-content",
    ("return", "minimal"): "return-no-content",
}
_RETURNS: Final = frozenset(_SYNONYMS.values())


def preferences(stated: str | None) -> dict[str, str]:
    """What a caller prefers, by lower-case names; the first of two sayings holds.

    A part that makes no sense is skipped: preferences may always be ignored.
    """
    found: dict[str, str] = {}
    text, at = (stated or "")[:MAX_PREFERENCES], 0
    while at < len(text):
        part = _PREFERENCE.match(text, at)
        if part is None:
            comma = text.find(",", at)
            at = len(text) if comma < 0 else comma + 1
            continue
        at = max(part.end(), at + 1)
        name, value = part[1].lower(), (part[2] or "").strip('"')
        name = _SYNONYMS.get((name, value.lower()), name)
        if name not in _RETURNS or found.keys().isdisjoint(_RETURNS):
            found.setdefault(name, value)
    return found


def page_size(preferred: dict[str, str]) -> int | None:
    """How many entities a page may have, where the caller prefers pages."""
    text = preferred.get("odata.maxpagesize", preferred.get("maxpagesize", ""))
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        return None
    return int(text) or None


def version(stated: str | None) -> int | None:
    """The major version in a header such as `2.0;NetFx`; None when nothing is said.

    Raises BadRequest for what is no version.
    """
    if stated is None or not stated.strip():
        return None
    found = _VERSION.match(stated)
    if found is None:
        raise BadRequest("The version of the data service in the header makes no sense.")
    return int(found[1])


def check_versions(sent: str | None, greatest: str | None) -> None:
    """Refuse a request in a version this service does not know, or answers in one it cannot."""
    for stated, most in ((sent, NEWEST), (greatest, None)):
        number = version(stated)
        if number is not None and (number < 1 or (most is not None and number > most)):
            raise BadRequest("This service speaks the versions 1.0 to 3.0 of OData.")


def understood(greatest: str | None) -> int:
    """The newest version both sides know; who says nothing, or nonsense, knows the third."""
    try:
        number = version(greatest)
    except BadRequest:
        number = None
    return NEWEST if number is None else min(max(number, 1), NEWEST)


def check_tags(stated: str | None) -> None:
    """Refuse a broken `If-Match`; a sound one is ignored, entities carry no tags here."""
    if stated is not None and not _TAGS.match(stated):
        raise BadRequest("The header If-Match makes no sense.")
