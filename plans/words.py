"""Titles inside of sentences."""

from __future__ import annotations

from django.utils.translation import get_language

# Where nouns keep their capital.
CAPITAL_NOUNS = ("de",)


def in_sentence(title: str) -> str:
    """Return a title as it stands inside a sentence: small, unless it begins with an acronym or
    the language writes nouns large."""
    if (get_language() or "").startswith(CAPITAL_NOUNS) or title[1:2].isupper():
        return title
    return title[:1].lower() + title[1:]
