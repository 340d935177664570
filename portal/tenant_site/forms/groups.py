"""Ordered groups: their name, their machines, the file of them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabric import group_file
from fabric.models import Machine, OnFailure
from plans.models import Subscription
from portal.tenant_site.forms.one_of_many import OneOfMany


class SubscriptionField(forms.ModelChoiceField):
    """Which subscription; nobody who has just one is asked."""

    def __init__(self) -> None:
        super().__init__(
            queryset=Subscription.objects.none(),
            label=gettext_lazy("Subscription"),
            empty_label=None,
        )

    def offer(self, subscriptions: QuerySet[Subscription]) -> None:
        """Let one of these be chosen."""
        self.queryset = subscriptions
        found = list(subscriptions[:2])
        self.initial = found[0] if found else None
        if len(found) == 1:
            self.widget = forms.HiddenInput()


class GroupForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=group_file.NAME_LENGTH,
        help_text=gettext_lazy("For instance the application its machines make up."),
    )
    on_failure = forms.ChoiceField(
        label=gettext_lazy("When a machine fails"),
        choices=OnFailure.choices,
        widget=forms.RadioSelect,
        initial=OnFailure.STOP,
    )


class NewGroupForm(GroupForm):
    subscription = SubscriptionField()
    field_order = ("subscription", "name", "on_failure")

    def __init__(self, *args: Any, subscriptions: QuerySet[Subscription], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["subscription"].offer(subscriptions)


class PlaceForm(forms.Form):
    """A machine to put at the end of a group."""

    machine = OneOfMany(label=gettext_lazy("Machine"))

    def __init__(self, *args: Any, machines: QuerySet[Machine], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.machines = {str(machine.pk): machine for machine in machines}
        found = [(key, machine.name, machine.name) for key, machine in self.machines.items()]
        self.fields["machine"].offer([("", found)])

    def clean_machine(self) -> Machine:
        return self.machines[self.cleaned_data["machine"]]


class ImportForm(forms.Form):
    """A file, or its text."""

    subscription = SubscriptionField()
    file = forms.FileField(
        label=gettext_lazy("File"),
        required=False,
        help_text=gettext_lazy("A line a machine: group;machine. No header."),
    )
    text = forms.CharField(
        label=gettext_lazy("Or its text"),
        required=False,
        max_length=group_file.LARGEST,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "class": "mono"}),
    )
    replace = forms.BooleanField(
        label=gettext_lazy("Replace the order of groups that exist"), required=False
    )

    def __init__(self, *args: Any, subscriptions: QuerySet[Subscription], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["subscription"].offer(subscriptions)
        self.fields["text"].widget.attrs["placeholder"] = "Shop;db-01\nShop;web-01"

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        file, text = said.get("file"), said.get("text", "")
        if file is not None and text.strip():
            self.add_error("text", _("Choose a file or type its text, not both."))
        elif file is not None:
            said["text"] = self._read(file)
        elif not text.strip() and "text" not in self.errors:
            self.add_error("file", _("Choose a file, or type its text below."))
        return said

    def _read(self, file: Any) -> str:
        if file.size > group_file.LARGEST:
            self.add_error("file", _("This file is too large."))
            return ""
        text = group_file.text_of(file.read())
        if text is None:
            self.add_error("file", _("This is no text file in UTF-8 or UTF-16."))
        return text or ""
