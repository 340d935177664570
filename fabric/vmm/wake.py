"""Wake VMM's workers by the names of their tasks: who begins jobs need not know who does them."""

from __future__ import annotations

import uuid

from celery import signature

from fabric.durable.nudge import nudge_on_commit

BEGIN = "fabric.vmm.tasks.begin"
ADVANCE = "fabric.vmm.tasks.advance"


def begin_on_commit() -> None:
    """Have the next job in line begun once the surrounding transaction has committed."""
    nudge_on_commit(signature(BEGIN))


def advance_on_commit(job_id: uuid.UUID) -> None:
    """Have a job taken up again once the surrounding transaction has committed."""
    nudge_on_commit(signature(ADVANCE), job_id)
