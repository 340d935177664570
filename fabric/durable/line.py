"""The line new jobs stand in until they are begun: every lane in its turn.

This is start-time fair queueing. A lane is whose the job is. A new job stands behind the last
waiting one of its lane, but never before the one whose turn it is: one lane's five hundred do not
hold up another's one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import connection, models
from django.db.models import Q

from fabric.durable.states import JobState

if TYPE_CHECKING:
    from fabric.durable.models import JobRow

# Written out in the indexes and queries alike, so that they fit.
NEVER_BEGUN = Q(state=JobState.WAITING.value, started_at__isnull=True)


def next_turn(model: type[JobRow], lane: str) -> int:
    """Return the number in the line for one more job of a lane. One query, two index look-ups."""
    table = connection.ops.quote_name(model._meta.db_table)
    waiting = f"FROM {table} WHERE state = 'waiting' AND started_at IS NULL"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT GREATEST(0,
                (SELECT turn + 1 {waiting} AND lane = %s ORDER BY turn DESC LIMIT 1),
                (SELECT turn {waiting} ORDER BY turn, created_at LIMIT 1))""",
            [lane],
        )
        return int(cursor.fetchone()[0])


def place(job: Any) -> int | None:
    """Return the place of a job in the line, 1 for the next; None once it has begun."""
    if job.started_at is not None or job.state != JobState.WAITING:
        return None
    before = Q(turn__lt=job.turn) | Q(turn=job.turn, created_at__lt=job.created_at)
    rows: models.QuerySet[Any] = type(job)._default_manager.filter(NEVER_BEGUN)
    return rows.filter(before).count() + 1


def in_words(place: int) -> str:
    """Return "3rd in line"."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    return f"{place}{'th' if place % 100 in (11, 12, 13) else ending} in line"
