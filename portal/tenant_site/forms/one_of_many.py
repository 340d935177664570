"""A choice of one: a select; where there are many, a line to type into that offers them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

# More than these nobody finds anything in.
FEW = 50
# By kind: what stands for the choice in a form, its name, and the name that no other kind has.
Offers = Sequence[tuple[str, Sequence[tuple[str, str, str]]]]


class TypedChoice(forms.TextInput):
    """A line with a list of what can be typed: the browser shows those that fit."""

    def __init__(self, words: Iterable[str]) -> None:
        hint = gettext_lazy("Type part of the name")
        attrs = {"autocapitalize": "none", "spellcheck": "false", "placeholder": hint}
        super().__init__(attrs=attrs)
        self.words = words

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        of_list = f"{(attrs or {}).get('id', name)}_list"
        line = super().render(name, value, {**(attrs or {}), "list": of_list}, renderer)
        offered = format_html_join("", '<option value="{}"></option>', ((w,) for w in self.words))
        return format_html('{}<datalist id="{}">{}</datalist>', line, of_list, offered)


class OneOfMany(forms.ChoiceField):
    """What stands for a choice is understood and its name as well, in small letters or large."""

    default_error_messages = {"invalid_choice": gettext_lazy("“%(value)s” is not on the list.")}

    def offer(self, offers: Offers) -> None:
        """Let one of these be chosen."""
        self.keys: dict[str, str] = {}
        self.words: dict[str, str] = {}
        for _kind, found in offers:
            for key, _name, word in found:
                unused = self._unused(word)
                self.keys[unused.casefold()] = key
                self.words[key] = unused
        self.choices = [
            choice
            for kind, found in offers
            for choice in _titled(kind, [(key, name) for key, name, _word in found])
        ]
        if len(self.words) > FEW:
            self.widget = TypedChoice(self.words.values())
            self.widget.is_required = self.required

    def _unused(self, word: str) -> str:
        """Return the word, numbered where another is called the same."""
        unused, number = word, 1
        while unused.casefold() in self.keys:
            number += 1
            unused = f"{word} ({number})"
        return unused

    def prepare_value(self, value: Any) -> Any:
        is_typed = isinstance(self.widget, TypedChoice)
        return self.words.get(str(value), value) if is_typed else value

    def to_python(self, value: Any) -> str:
        text: str = super().to_python(value).strip()
        return text if text in self.words else self.keys.get(text.casefold(), text)


def _titled(kind: str, found: list[tuple[str, str]]) -> list[Any]:
    return [(kind, found)] if kind else found
