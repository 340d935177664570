"""Hours a new machine shall run: schedules that start and shut it down, in the person's zone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time

from django.utils.translation import gettext as _

from fabric.actions import groups, schedules
from fabric.models import Group, Machine, ScheduledAction
from plans.models import Subscription
from tenants.models import User


@dataclass(frozen=True)
class Hours:
    """`days` is cron's word for them."""

    start: time | None
    stop: time | None
    days: str
    zone: str

    def crons(self) -> list[tuple[str, str]]:
        """Return what is done when: an action and its cron expression."""
        acts = ((ScheduledAction.START, self.start), (ScheduledAction.SHUTDOWN, self.stop))
        return [
            (action.value, f"{at.minute} {at.hour} * * {self.days}") for action, at in acts if at
        ]


def plan(
    by: User, subscription: Subscription, machines: Sequence[Machine], name: str, hours: Hours
) -> None:
    """Schedule the hours of a machine, of several as a group. Raises Refused."""
    crons = hours.crons()
    if not crons:
        return
    if len(machines) == 1:
        target = schedules.Target(machine=machines[0])
    else:
        free = _free_name(subscription, name)
        made = groups.create(by=by, subscription=subscription, name=free, machines=machines)
        target = schedules.Target(group=made)
    for action, cron in crons:
        titles = {"start": _("Start %(name)s"), "shutdown": _("Shut down %(name)s")}
        schedules.create(
            by=by,
            subscription=subscription,
            name=titles[action] % {"name": name},
            action=action,
            target=target,
            cron=cron,
            time_zone=hours.zone,
        )


def _free_name(subscription: Subscription, name: str) -> str:
    """Return a group's name nobody has yet."""
    held = {
        each.lower()
        for each in Group.objects.filter(
            subscription=subscription, name__istartswith=name
        ).values_list("name", flat=True)
    }
    names = (name, *(f"{name} ({number})" for number in range(2, len(held) + 3)))
    return next(each for each in names if each.lower() not in held)
