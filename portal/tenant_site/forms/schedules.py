"""A schedule: what is done, to what, and when."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabric import crontab
from fabric.actions.schedules import Target
from fabric.models import Group, Machine, Schedule, ScheduledAction
from plans.models import Subscription
from portal.tenant_site.forms.accounts import zones
from portal.tenant_site.forms.one_of_many import OneOfMany
from portal.tenant_site.forms.typed import OnceField
from tenants.models import User

SHOWN = 5
WEEKDAYS_AT, DAILY, WEEKLY, OWN = "weekdays", "daily", "weekly", "cron"
RHYTHMS = (
    (WEEKDAYS_AT, gettext_lazy("Monday to Friday")),
    (DAILY, gettext_lazy("Every day")),
    (WEEKLY, gettext_lazy("Once a week")),
    (OWN, gettext_lazy("As cron writes it")),
)
# Monday first; cron counts from Sunday.
DAYS = [((day + 1) % 7, name) for day, name in WEEKDAYS.items()]


class ScheduleForm(forms.Form):
    request_key = OnceField()
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=80,
        help_text=gettext_lazy("For instance “Off at night”."),
    )
    action = forms.ChoiceField(label=gettext_lazy("What to do"), choices=ScheduledAction.choices)
    target = OneOfMany(label=gettext_lazy("With what"))
    rhythm = forms.ChoiceField(
        label=gettext_lazy("When"), choices=RHYTHMS, widget=forms.RadioSelect, initial=WEEKDAYS_AT
    )
    day = forms.TypedChoiceField(
        label=gettext_lazy("Day"), choices=DAYS, coerce=int, required=False, initial=1
    )
    at = forms.TimeField(
        label=gettext_lazy("At"),
        required=False,
        initial=dt.time(20, 0),
        input_formats=["%H:%M", "%H:%M:%S"],
        widget=forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
    )
    cron = forms.CharField(
        label=gettext_lazy("Cron expression"),
        max_length=100,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext_lazy(
            "Minute, hour, day of the month, month, day of the week: 30 6 * * 1-5."
        ),
    )
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        help_text=gettext_lazy("Summer and winter time are followed."),
    )

    def __init__(self, *args: Any, user: User, subscriptions: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.targets = _targets(user, list(subscriptions))
        words = ("%s", _("%s (ordered group)"), _("%s (tag)"))
        self.fields["target"].offer(
            [
                (title, [(key, name, word % name) for key, (name, _t, _s) in found.items()])
                for word, (title, found) in zip(words, self.targets, strict=True)
                if found
            ]
        )
        if self.initial.get("target") not in self.fields["target"].words:
            self.initial.pop("target", None)
        zone = self.initial.get("time_zone") or timezone.get_current_timezone_name()
        known = dict.fromkeys((*zones(), zone))
        self.fields["time_zone"].choices = [(name, name.replace("_", " ")) for name in known]
        self.fields["time_zone"].initial = zone

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        rhythm, at = said.get("rhythm"), said.get("at")
        if rhythm and rhythm != OWN:
            if at is None and "at" not in self.errors:
                self.add_error("at", _("Say at what time."))
            elif at is not None:
                said["cron"] = expression(rhythm, at, said.get("day"))
        elif rhythm == OWN and said.get("time_zone"):
            problem = crontab.problem(said.get("cron", ""), said["time_zone"])
            if problem:
                self.add_error("cron", problem)
        return said

    @property
    def next_runs(self) -> list[dt.datetime]:
        """Return when it would be due, once what was typed says so."""
        said = getattr(self, "cleaned_data", {})
        if not said.get("cron") or not said.get("time_zone") or self.errors.keys() & WHEN:
            return []
        return crontab.next_runs(said["cron"], said["time_zone"], timezone.now(), SHOWN)

    @property
    def chosen(self) -> tuple[Target, Subscription]:
        """Return what the schedule acts on, and the subscription that is in."""
        wanted = self.cleaned_data["target"]
        for _title, found in self.targets:
            if wanted in found:
                _name, target, subscription = found[wanted]
                return target, subscription
        raise KeyError(wanted)


WHEN = {"rhythm", "day", "at", "cron", "time_zone"}


def expression(rhythm: str, at: dt.time, day: int | str | None) -> str:
    """Return the cron expression of a plain choice."""
    days = {WEEKDAYS_AT: "1-5", DAILY: "*"}.get(rhythm, str(1 if day in (None, "") else day))
    return f"{at.minute} {at.hour} * * {days}"


def initial_of(schedule: Schedule) -> dict[str, Any]:
    """Return a schedule as the form shows it."""
    minute, hour, _month_day, _month, days = schedule.cron.split()
    is_plain = crontab.in_words(schedule.cron) != schedule.cron
    rhythm = {"1-5": WEEKDAYS_AT, "*": DAILY}.get(days, WEEKLY) if is_plain else OWN
    told: dict[str, Any] = {
        "name": schedule.name,
        "action": schedule.action,
        "target": key_of(schedule.machine, schedule.group, schedule.tag, schedule.subscription_id),
        "rhythm": rhythm,
        "cron": schedule.cron,
        "time_zone": schedule.time_zone,
    }
    if is_plain:
        told["at"] = dt.time(int(hour), int(minute))
        told["day"] = int(days) % 7 if days.isdigit() else 1
    return told


def key_of(machine: Any, group: Any, tag: str, subscription_id: Any) -> str:
    """Return how a target stands in the form."""
    if machine is not None:
        return f"machine:{machine.pk}"
    return f"group:{group.pk}" if group is not None else f"tag:{subscription_id}:{tag}"


Choices = dict[str, tuple[str, Target, Subscription]]


def _targets(user: User, subscriptions: list[Subscription]) -> list[tuple[str, Choices]]:
    """Return what can be chosen, by kind. Two queries."""
    by_id = {one.pk: one for one in subscriptions}
    several = len(by_id) > 1

    def named(name: str, subscription: Subscription) -> str:
        return f"{name} ({subscription.name})" if several else name

    machines: Choices = {}
    groups: Choices = {}
    tags: Choices = {}
    for row in (
        Machine.objects.visible_to(user).filter(subscription__in=by_id).order_by("name", "pk")
    ):
        one = by_id[row.subscription_id]
        machines[key_of(row, None, "", one.pk)] = (named(row.name, one), Target(machine=row), one)
        for tag in row.tags:
            tags[key_of(None, None, tag, one.pk)] = (named(tag, one), Target(tag=tag), one)
    for row in Group.objects.visible_to(user).filter(subscription__in=by_id).order_by("name", "pk"):
        one = by_id[row.subscription_id]
        groups[key_of(None, row, "", one.pk)] = (named(row.name, one), Target(group=row), one)
    return [
        (_("Machines"), machines),
        (_("Ordered groups"), groups),
        (_("All machines with the tag"), dict(sorted(tags.items()))),
    ]
