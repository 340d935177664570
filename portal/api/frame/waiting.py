"""Wait for long work on a client's behalf, without holding up everybody else.

A site has few threads, and somebody who waits takes one. So only API_WAITERS requests of a process
wait at a time; the others are answered at once, with Retry-After.
"""

from __future__ import annotations

import re
import threading
import time
import uuid
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request

from fabric.durable.states import FINAL
from fabric.models import Job
from portal.api.frame.fields import Asked, bad_parameters

LONGEST = 60
LOOK_EVERY = 0.3
RETRY_AFTER = 2
_PREFERRED = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?(\d{1,6})\"?", re.IGNORECASE)
_seats = threading.BoundedSemaphore(settings.API_WAITERS)
pause = time.sleep


class Waited(Asked):
    """What every long act can be asked for."""

    wait = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=LONGEST,
        help_text="Seconds to wait for the end. `Prefer: wait=` says the same.",
    )


@dataclass
class Wait:
    """How long to wait; afterwards `headers` say what came of it."""

    seconds: int
    preferred: bool = False

    def for_job(self, job_id: uuid.UUID) -> dict[str, str]:
        """Return when the job has ended, the time is over, or no seat is free; say so in headers.

        Call it outside a transaction: inside one nobody else could see the job.
        """
        headers = {"Preference-Applied": f"wait={self.seconds}"} if self.preferred else {}
        if not _seats.acquire(blocking=False):
            return {"Retry-After": str(RETRY_AFTER)}
        try:
            until = time.monotonic() + self.seconds
            while not _has_ended(job_id):
                left = until - time.monotonic()
                if left <= 0:
                    return headers | {"Retry-After": str(RETRY_AFTER)}
                pause(min(LOOK_EVERY, left))
        finally:
            _seats.release()
        return headers


def wanted(request: Request, asked: int | None) -> Wait | None:
    """Return the wait a request asks for, by its query or by Prefer; None when it asks for none."""
    if asked is not None:
        return Wait(asked) if asked else None
    found = _PREFERRED.search(request.headers.get("Prefer", ""))
    seconds = min(LONGEST, int(found[1])) if found else 0
    return Wait(seconds, preferred=True) if seconds else None


def from_query(text: str | None) -> int | None:
    """Return the seconds of `?wait=`, or raise the problem of a text that is none."""
    if text is None:
        return None
    if not text.isdecimal() or len(text) > 2 or int(text) > LONGEST:
        raise bad_parameters({"wait": _("Between 0 and %(most)d seconds.") % {"most": LONGEST}})
    return int(text)


def _has_ended(job_id: uuid.UUID) -> bool:
    state = Job.objects.filter(pk=job_id).values_list("state", flat=True).first()
    return state is None or state in FINAL
