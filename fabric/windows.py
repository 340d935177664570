"""What Windows set-up is told beside names and passwords: product key, time zone, workgroup.

Set-up knows a time zone by a number of Microsoft's, which VMM takes as TimeZone.
"""

from __future__ import annotations

import re

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

_KEY = re.compile(r"[BCDFGHJKMNPQRTVWXY2346789]{5}(?:-[BCDFGHJKMNPQRTVWXY2346789]{5}){4}\Z")
_NO_WORKGROUP = re.compile(r'["/\\\[\]:;|=,+*?<>]')
WORKGROUP_LENGTH = 15
USER_LENGTH = 20

# Microsoft's numbers, from the west to the east; what people call them.
TIME_ZONES = {
    "0": gettext_lazy("(UTC−12:00) International date line, west"),
    "2": gettext_lazy("(UTC−10:00) Hawaii"),
    "3": gettext_lazy("(UTC−09:00) Alaska"),
    "4": gettext_lazy("(UTC−08:00) Pacific time (US and Canada)"),
    "15": gettext_lazy("(UTC−07:00) Arizona"),
    "10": gettext_lazy("(UTC−07:00) Mountain time (US and Canada)"),
    "20": gettext_lazy("(UTC−06:00) Central time (US and Canada)"),
    "30": gettext_lazy("(UTC−06:00) Mexico City"),
    "35": gettext_lazy("(UTC−05:00) Eastern time (US and Canada)"),
    "45": gettext_lazy("(UTC−05:00) Bogota, Lima, Quito"),
    "50": gettext_lazy("(UTC−04:00) Atlantic time (Canada)"),
    "56": gettext_lazy("(UTC−04:00) Santiago"),
    "60": gettext_lazy("(UTC−03:30) Newfoundland"),
    "65": gettext_lazy("(UTC−03:00) Brasilia"),
    "75": gettext_lazy("(UTC−02:00) Mid-Atlantic"),
    "80": gettext_lazy("(UTC−01:00) Azores"),
    "85": gettext_lazy("(UTC+00:00) Dublin, Lisbon, London"),
    "90": gettext_lazy("(UTC+00:00) Greenwich mean time, no summer time"),
    "110": gettext_lazy("(UTC+01:00) Amsterdam, Berlin, Rome, Stockholm, Vienna"),
    "105": gettext_lazy("(UTC+01:00) Brussels, Copenhagen, Madrid, Paris"),
    "95": gettext_lazy("(UTC+01:00) Belgrade, Budapest, Prague"),
    "100": gettext_lazy("(UTC+01:00) Sarajevo, Warsaw, Zagreb"),
    "125": gettext_lazy("(UTC+02:00) Helsinki, Kyiv, Riga, Sofia, Vilnius"),
    "130": gettext_lazy("(UTC+02:00) Athens, Istanbul"),
    "120": gettext_lazy("(UTC+02:00) Cairo"),
    "135": gettext_lazy("(UTC+02:00) Jerusalem"),
    "140": gettext_lazy("(UTC+02:00) Harare, Pretoria"),
    "145": gettext_lazy("(UTC+03:00) Moscow"),
    "150": gettext_lazy("(UTC+03:00) Kuwait, Riyadh"),
    "155": gettext_lazy("(UTC+03:00) Nairobi"),
    "158": gettext_lazy("(UTC+03:00) Baghdad"),
    "160": gettext_lazy("(UTC+03:30) Tehran"),
    "165": gettext_lazy("(UTC+04:00) Abu Dhabi, Muscat"),
    "175": gettext_lazy("(UTC+04:30) Kabul"),
    "185": gettext_lazy("(UTC+05:00) Islamabad, Karachi, Tashkent"),
    "190": gettext_lazy("(UTC+05:30) Chennai, Kolkata, Mumbai, New Delhi"),
    "193": gettext_lazy("(UTC+05:45) Kathmandu"),
    "195": gettext_lazy("(UTC+06:00) Astana, Dhaka"),
    "205": gettext_lazy("(UTC+07:00) Bangkok, Hanoi, Jakarta"),
    "210": gettext_lazy("(UTC+08:00) Beijing, Hong Kong"),
    "215": gettext_lazy("(UTC+08:00) Kuala Lumpur, Singapore"),
    "220": gettext_lazy("(UTC+08:00) Taipei"),
    "225": gettext_lazy("(UTC+08:00) Perth"),
    "235": gettext_lazy("(UTC+09:00) Osaka, Sapporo, Tokyo"),
    "230": gettext_lazy("(UTC+09:00) Seoul"),
    "245": gettext_lazy("(UTC+09:30) Darwin"),
    "250": gettext_lazy("(UTC+09:30) Adelaide"),
    "255": gettext_lazy("(UTC+10:00) Canberra, Melbourne, Sydney"),
    "260": gettext_lazy("(UTC+10:00) Brisbane"),
    "285": gettext_lazy("(UTC+12:00) Fiji"),
    "290": gettext_lazy("(UTC+12:00) Auckland, Wellington"),
}


def product_key_problem(key: str) -> str | None:
    """Return what is wrong with a product key, None when it may be one."""
    if not _KEY.match(key.upper()):
        return _("A product key is five groups of five letters and digits: XXXXX-XXXXX-….")
    return None


def time_zone_problem(number: str) -> str | None:
    """Return what is wrong with Microsoft's number of a time zone."""
    return None if number in TIME_ZONES else _("Windows knows no such time zone.")


def workgroup_problem(name: str) -> str | None:
    """Return what is wrong with the name of a workgroup."""
    if len(name) > WORKGROUP_LENGTH:
        return _("At most %(n)d characters.") % {"n": WORKGROUP_LENGTH}
    if _NO_WORKGROUP.search(name) or not name.isprintable() or not name.strip(". "):
        return _("The name of a workgroup has none of these: %(these)s") % {
            "these": '" / \\ [ ] : ; | = , + * ? < >'
        }
    return None
