"""Tags as people type them: one line, commas between."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabric import rules

LONGEST = rules.MOST_TAGS * (rules.TAG_LENGTH + 2)


class TagsField(forms.CharField):
    """A list of tags in the spelling they are kept in; the same rules the action holds."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", LONGEST)
        kwargs.setdefault(
            "widget", forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"})
        )
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:
        text = super().to_python(value)
        try:
            return rules.clean_tags(text.split(","))
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error

    def run_validators(self, value: Any) -> None:
        super().run_validators(", ".join(value))


class TagsForm(forms.Form):
    """The tags of one machine."""

    tags = TagsField(
        label=gettext_lazy("Tags"),
        required=False,
        help_text=gettext_lazy("Separate them by commas, such as web, production."),
    )

    def clean_tags(self) -> list[str]:
        tags: list[str] = self.cleaned_data["tags"] or []
        return tags


def both(add: list[str], remove: list[str]) -> str | None:
    """Return what is wrong with tags to put on and to take off, None when it is fine."""
    twice = sorted(set(add) & set(remove))
    if twice:
        return _("“%(tag)s” cannot be put on and taken off at once.") % {"tag": twice[0]}
    if not add and not remove:
        return _("Say which tags to put on or take off.")
    return None
