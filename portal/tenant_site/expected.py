"""How long work takes, from what was done: deployments by template, the rest by its kind."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass

from django.db import connection

from fabric.jobs.deploy import DEPLOY
from fabric.models import Job

FEWEST_SAMPLES = 5
MOST_SAMPLES = 50

# Of each template the latest machines only, so that the cost does not grow with the years.
_TIMES = """
SELECT wanted.id,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY took),
       percentile_cont(0.9) WITHIN GROUP (ORDER BY took)
FROM unnest(%s::uuid[]) AS wanted(id)
CROSS JOIN LATERAL (
    SELECT extract(epoch FROM job.ended_at - job.created_at) AS took
    FROM (
        SELECT id, created_at FROM fabric_machine
        WHERE template_id = wanted.id ORDER BY created_at DESC LIMIT %s
    ) AS machine
    JOIN fabric_job AS job ON job.machine_id = machine.id
    WHERE job.recipe = 'machine.deploy' AND job.state = 'succeeded' AND job.ended_at IS NOT NULL
) AS done
GROUP BY wanted.id HAVING count(*) >= %s
"""

_TIMES_OF_KIND = """
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY took),
       percentile_cont(0.9) WITHIN GROUP (ORDER BY took)
FROM (
    SELECT extract(epoch FROM ended_at - created_at) AS took FROM fabric_job
    WHERE recipe = %s AND state = 'succeeded' AND ended_at IS NOT NULL
    ORDER BY created_at DESC LIMIT %s
) AS done
HAVING count(*) >= %s
"""


@dataclass(frozen=True)
class Expected:
    """Seconds: the median, and what nine out of ten stay below."""

    median: float
    most: float


def expected_of(templates: Collection[uuid.UUID]) -> dict[uuid.UUID, Expected]:
    """Return what to expect of each template, nothing of those too few are known of. One query."""
    if not templates:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_TIMES, [list(templates), MOST_SAMPLES, FEWEST_SAMPLES])
        return {pk: Expected(float(median), float(most)) for pk, median, most in cursor}


def expected(job: Job) -> Expected | None:
    """Return what to expect of a job, None while too few like it are known. One query."""
    if job.recipe == DEPLOY.name and job.machine is not None and job.machine.template_id:
        return expected_of([job.machine.template_id]).get(job.machine.template_id)
    with connection.cursor() as cursor:
        cursor.execute(_TIMES_OF_KIND, [job.recipe, MOST_SAMPLES, FEWEST_SAMPLES])
        found = cursor.fetchone()
    return Expected(*map(float, found)) if found else None
