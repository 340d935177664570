"""Send the message that wakes a job. A broker that is down costs a sweep, never a request."""

from __future__ import annotations

import logging
import uuid
from typing import Any

from celery.exceptions import CeleryError
from django.db import transaction
from kombu.exceptions import KombuError, OperationalError
from redis.exceptions import RedisError

log = logging.getLogger(__name__)
SOON_SECONDS = 5.0


def nudge(task: Any, *args: Any, after: float = 0.0) -> None:
    """Send the task now (or after some seconds); log and go on when the broker is away."""
    try:
        task.apply_async(args=[str(arg) for arg in args], countdown=after or None, retry=False)
    except (OperationalError, KombuError, CeleryError, RedisError, OSError) as error:
        log.warning("broker away, the sweep will find it: %s", type(error).__name__)


def nudge_on_commit(task: Any, *args: Any) -> None:
    """Send the task once the surrounding transaction has committed."""
    transaction.on_commit(lambda: nudge(task, *args))


def nudge_again(task: Any, job_id: uuid.UUID | str, after: float | None) -> None:
    """Call a job again soon; longer waits are the sweep's."""
    if after is not None and after <= SOON_SECONDS:
        nudge(task, job_id, after=after)
