"""The job row both planes inherit. The row is the truth; a message is only a nudge."""

from __future__ import annotations

import time
import uuid
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from fabric.durable import line
from fabric.durable.errors import LostClaim
from fabric.durable.states import FINAL, LIVE, JobState, StepState


class JobRow(models.Model):
    """One long piece of work: where it stands, who holds it, when it is due.

    `subject` is the id of what it works on: at most one live job each, by constraint.
    `steps` holds one dict a step: name, title, state, attempt, percent, started_at, ended_at
    (ISO 8601 UTC), host, message. `sealed` holds secrets until used, then nothing.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Whose it is, and its number in the line of all: see line.py.
    lane = models.CharField(max_length=64, blank=True, default="")
    turn = models.BigIntegerField(default=0)
    recipe = models.CharField(max_length=60)
    title = models.CharField(max_length=200)
    subject = models.UUIDField()
    state = models.CharField(max_length=12, choices=JobState.choices, default=JobState.WAITING)
    step = models.CharField(max_length=60)
    attempt = models.PositiveIntegerField(default=0)
    percent = models.PositiveSmallIntegerField(default=0)
    message = models.TextField(blank=True, default="")
    fault = models.JSONField(null=True, blank=True)
    inputs = models.JSONField(default=dict)
    memo = models.JSONField(default=dict)
    steps = models.JSONField(default=list)
    sealed = models.TextField(blank=True, default="")
    remote_ref = models.UUIDField(null=True, blank=True, db_index=True)
    # By the database's clock, which they are compared with.
    due_at = models.DateTimeField(db_default=Now())
    nudged_at = models.DateTimeField(db_default=Now())
    claim_token = models.BigIntegerField(default=0)
    claimed_until = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    # When this process stops trusting its claim, by its monotonic clock; not a column.
    held_until = 0.0

    class Meta:
        abstract = True
        constraints = [
            models.UniqueConstraint(
                fields=["subject"],
                condition=models.Q(state__in=[str(state) for state in LIVE]),
                name="%(app_label)s_%(class)s_one_live",
            )
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=models.Q(state__in=[str(state) for state in LIVE]),
                name="%(app_label)s_%(class)s_due",
            ),
            models.Index(fields=["subject", "-created_at"], name="%(app_label)s_%(class)s_subj"),
            models.Index(
                fields=["turn", "created_at"],
                condition=line.NEVER_BEGUN,
                name="%(app_label)s_%(class)s_line",
            ),
            models.Index(
                fields=["lane", "turn"],
                condition=line.NEVER_BEGUN,
                name="%(app_label)s_%(class)s_lane",
            ),
        ]

    @property
    def is_final(self) -> bool:
        return self.state in FINAL

    def own_lane(self) -> str:
        """Return whose job it is, as the line takes it: lanes come in turn."""
        return ""

    @property
    def place(self) -> int | None:
        """Return its place in the line, 1 for the next; None once it has begun. One query."""
        return line.place(self)

    @property
    def told(self) -> str:
        """Return what there is to tell of it now: its place in the line, or its message."""
        place = self.place
        if place is None:
            return self.message
        return _("Waiting: place %(place)d in line") % {"place": place}

    def renew(self) -> None:
        """Make the lease of a claimed job a full one again. Raises LostClaim when it is lost."""
        asked, lease = time.monotonic(), settings.JOB_LEASE_SECONDS
        ours = type(self)._default_manager.filter(pk=self.pk, claim_token=self.claim_token)
        if not ours.update(claimed_until=Now() + timedelta(seconds=lease)):
            raise LostClaim
        self.held_until = asked + lease

    @property
    def current_step(self) -> dict[str, Any] | None:
        """Return the step being taken, failed or next, as a dict; None when all are done."""
        for step in self.steps:
            if step["state"] in (StepState.RUNNING, StepState.FAILED):
                return dict(step)
        return next((dict(s) for s in self.steps if s["state"] == StepState.PENDING), None)
