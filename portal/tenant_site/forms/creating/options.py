"""Sixth step: tags, protection against deletion, an end date, hours to run."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabric import rules
from fabric.actions import ordering
from fabric.models import EndAction
from portal.tenant_site.creating.hours import Hours
from portal.tenant_site.forms.creating.base import About, StepForm

DAYS = (("*", gettext_lazy("Every day")), ("1-5", gettext_lazy("Monday to Friday")))
HOURS = ("start_at", "stop_at", "days")


def _time(label: Any) -> forms.TimeField:
    return forms.TimeField(
        label=label,
        required=False,
        input_formats=["%H:%M", "%H:%M:%S"],
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        error_messages={"invalid": gettext_lazy("Give a time, such as 07:30.")},
    )


class OptionsForm(StepForm):
    tags = forms.CharField(
        label=gettext_lazy("Tags"),
        required=False,
        max_length=1000,
        help_text=gettext_lazy("Words to find it by, parted by commas: web, customer-7."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )
    ends_at = forms.DateTimeField(
        label=gettext_lazy("Ends at"),
        required=False,
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        error_messages={"invalid": gettext_lazy("Give date and time, such as 2030-12-24 18:00.")},
    )
    end_action = forms.ChoiceField(
        label=gettext_lazy("Then"),
        choices=EndAction.choices,
        help_text=gettext_lazy("You are warned before. Deleting loses its disks for good."),
    )
    is_protected = forms.BooleanField(
        label=gettext_lazy("Protect it against deletion"),
        required=False,
        help_text=gettext_lazy(
            "It cannot be deleted or rebuilt until the protection is taken off."
        ),
    )

    start_at = _time(gettext_lazy("Start at"))
    stop_at = _time(gettext_lazy("Shut down at"))
    days = forms.ChoiceField(label=gettext_lazy("On these days"), choices=DAYS, required=False)

    @classmethod
    def first(cls, about: About) -> dict[str, Any]:
        return {"end_action": EndAction.STOP.value, "days": "*"}

    def prepare(self) -> None:
        self.fields["ends_at"].help_text = _(
            "Empty: it stays until you delete it. Times are in %(zone)s."
        ) % {"zone": timezone.get_current_timezone_name()}
        if not self.about.may_schedule:
            for name in HOURS:
                del self.fields[name]

    def clean_tags(self) -> tuple[str, ...]:
        try:
            return tuple(rules.clean_tags(self.cleaned_data["tags"].split(",")))
        except ValueError as problem:
            raise forms.ValidationError(str(problem))

    def clean_ends_at(self) -> datetime | None:
        ends_at: datetime | None = self.cleaned_data["ends_at"]
        problem = ordering.end_problem(ends_at) if ends_at else None
        if problem:
            raise forms.ValidationError(problem)
        return ends_at

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        deletes = cleaned.get("ends_at") and cleaned.get("end_action") == EndAction.DELETE
        if deletes and cleaned.get("is_protected"):
            self.add_error(
                "is_protected", _("A protected machine is not deleted on its end date: choose one.")
            )
        start = cleaned.get("start_at")
        if start is not None and start == cleaned.get("stop_at"):
            self.add_error("stop_at", _("Starting and shutting down at once helps nobody."))
        return cleaned

    def hours(self) -> Hours:
        """Return when the machine shall run; for a form without errors."""
        said = self.cleaned_data
        return Hours(
            start=said.get("start_at"),
            stop=said.get("stop_at"),
            days=said.get("days") or "*",
            zone=timezone.get_current_timezone_name(),
        )
