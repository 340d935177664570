"""When is it due? Cron expressions in a time zone, as Debian's cron takes them through the year.

A time that the clocks skip comes right after the gap; one that comes twice is taken once.
"""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from itertools import islice, pairwise

from cronsim import CronSim, CronSimError
from django.utils.dates import WEEKDAYS
from django.utils.formats import time_format
from django.utils.translation import gettext as _

CLOSEST = dt.timedelta(minutes=15)
_LOOKED_AT = 120
_PLAIN = re.compile(r"(\d{1,2}) (\d{1,2}) \* \* (\*|1-5|[0-7])\Z")


def problem(cron: str, zone: str) -> str | None:
    """Return what is wrong with an expression, None when it can be used."""
    if len(cron.split()) != 5 or len(cron) > 100:
        return _("Five fields: minute, hour, day of the month, month, day of the week.")
    try:
        runs = next_runs(cron, zone, dt.datetime.now(dt.UTC), _LOOKED_AT)
    except CronSimError as error:
        field = str(error).removeprefix("Bad ")
        return _("It cannot be read: %(field)s.") % {"field": field}
    if not runs:
        return _("This never comes.")
    if any(later - sooner < CLOSEST for sooner, later in pairwise(runs)):
        return _("At most once in 15 minutes.")
    return None


def is_zone(name: str) -> bool:
    """Tell whether there is such a time zone."""
    return name in zoneinfo.available_timezones()


def next_runs(cron: str, zone: str, after: dt.datetime, count: int) -> list[dt.datetime]:
    """Return the next times after a moment, in the zone; fewer when it comes no more."""
    return list(islice(CronSim(cron, after.astimezone(zoneinfo.ZoneInfo(zone))), count))


def next_run(cron: str, zone: str, after: dt.datetime) -> dt.datetime | None:
    """Return the next time after a moment, None when it comes no more."""
    return next(iter(next_runs(cron, zone, after, 1)), None)


def in_words(cron: str) -> str:
    """Return a plain expression as people say it, any other as it is."""
    found = _PLAIN.match(" ".join(cron.split()))
    if found is None or int(found[1]) > 59 or int(found[2]) > 23:
        return cron
    at = {"time": time_format(dt.time(int(found[2]), int(found[1])), "H:i")}
    if found[3] == "*":
        return _("every day at %(time)s") % at
    if found[3] == "1-5":
        return _("Monday to Friday at %(time)s") % at
    day = WEEKDAYS[(int(found[3]) - 1) % 7]
    return _("every %(day)s at %(time)s") % (at | {"day": day})
