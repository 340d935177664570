"""The answer to “all of these?”: a word typed where data go, tags where these change."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from fabric.states import Verb
from portal.tenant_site.forms.tags import TagsField, both


class SelectedForm(forms.Form):
    """`request_key` makes the same form sent twice one act."""

    request_key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    add = TagsField(
        label=gettext_lazy("Put on"),
        required=False,
        help_text=gettext_lazy("Separate tags by commas, such as web, production."),
    )
    remove = TagsField(label=gettext_lazy("Take off"), required=False)
    confirm = forms.CharField(
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )

    def __init__(self, *args: Any, verb: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.verb = verb
        self.word = pgettext("typed to confirm", "delete")
        if verb != Verb.TAG:
            del self.fields["add"], self.fields["remove"]
        if verb == Verb.DELETE:
            self.fields["confirm"].label = _("Type %(word)s to confirm") % {"word": self.word}
            self.fields["confirm"].error_messages["required"] = _("Type %(word)s.") % {
                "word": self.word
            }
        else:
            del self.fields["confirm"]

    def clean_confirm(self) -> str:
        if self.cleaned_data["confirm"].strip().casefold() != self.word.casefold():
            raise forms.ValidationError(_("Type %(word)s.") % {"word": self.word})
        return self.word

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.verb == Verb.TAG and not self.errors:
            problem = both(cleaned.get("add") or [], cleaned.get("remove") or [])
            if problem:
                raise forms.ValidationError(problem)
        return cleaned
