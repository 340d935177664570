"""What came of a form for several machines: each outcome noted in the transaction of its act.

A process that dies leaves what was done and what was not; another form does the rest, and does it
once. All of it is kept for a day.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fabric.actions.bulk import Outcome
from fabric.durable.states import LIVE
from fabric.models import Job, Machine
from portal.models import SentForm
from portal.tenant_site.machine_selected import BY_VALUE, Choice
from tenants.models import User

# Asking a machine takes a fraction of a second: who is silent for so long has died.
PATIENCE = timedelta(minutes=1)


class TakenOver(Exception):
    """Another form was sent for the rest: what this one does now would be done twice."""


class Sending:
    """A form that acts. Of its row's result `chosen` are ids and names, `rows` the outcomes so far
    (id, job, why it was refused); `rest` is the key of the form that does what was left."""

    def __init__(self, form: SentForm, machines: Sequence[Machine]) -> None:
        self.form = form
        self.machines = machines

    def note(self, outcome: Outcome) -> None:
        """Keep an outcome, in the transaction of the act; TakenOver undoes that."""
        job = str(outcome.job.pk) if outcome.job else ""
        row = (str(outcome.machine.pk), job, outcome.refused)
        self._write({"rows": [*self.form.result["rows"], row]})

    def end(self) -> None:
        self._write({"is_open": False})

    def break_off(self) -> None:
        """Keep what was done; where that is nothing, let the form be sent again."""
        with transaction.atomic():
            form = SentForm.objects.select_for_update().filter(pk=self.form.pk).first()
            if form is not None and form.result["rows"]:
                form.result["is_open"] = False
                form.save(update_fields=["result"])
            elif form is not None:
                form.delete()

    def _write(self, news: Mapping[str, Any]) -> None:
        result = {**self.form.result, **news, "noted_at": timezone.now().isoformat()}
        if not SentForm.objects.filter(pk=self.form.pk, result__is_open=True).update(result=result):
            raise TakenOver
        self.form.result = result


@transaction.atomic
def begin(
    user: User,
    key: uuid.UUID,
    verb: str,
    machines: Sequence[Machine],
    *,
    tags: Mapping[str, Collection[str]] | None = None,
    rest_of: uuid.UUID | None = None,
) -> tuple[uuid.UUID, Sending | None]:
    """Return where the outcomes will stand, and what notes them: None when this form was sent
    before, or another for the same rest. Locks the form whose rest it is."""
    broken = _locked(user, rest_of)
    if broken is not None:
        other = broken.result.get("rest")
        if other and other != str(key):
            return uuid.UUID(other), None
        told = {row[0] for row in broken.result["rows"]}
        machines = [one for one in machines if str(one.pk) not in told]
        if not machines:
            return broken.key, None
        broken.result |= {"is_open": False, "rest": str(key)}
        broken.save(update_fields=["result"])
    result = {
        "verb": str(verb),
        "tags": {name: list(words) for name, words in (tags or {}).items()},
        "chosen": [(str(one.pk), one.name) for one in machines],
        "rows": [],
        "is_open": True,
        "noted_at": timezone.now().isoformat(),
    }
    form, is_first = SentForm.objects.get_or_create(user=user, key=key, defaults={"result": result})
    return key, Sending(form, machines) if is_first else None


def _locked(user: User, key: uuid.UUID | None) -> SentForm | None:
    form = SentForm.objects.select_for_update().filter(user=user, key=key).first() if key else None
    return form if form is not None and _is_ours(form.result) else None


def _is_ours(result: object) -> bool:
    """Tell the results of these forms from those of others."""
    return isinstance(result, dict) and "chosen" in result


@dataclass(frozen=True)
class Result:
    """What came of an act on one machine; `is_told` once something did, `is_next` while it may."""

    machine_id: uuid.UUID
    name: str
    job: Job | None
    refused: str
    is_there: bool
    is_told: bool = True
    is_next: bool = False

    @property
    def is_left(self) -> bool:
        """Tell whether it was left as it is."""
        return bool(self.refused) or self.is_undone

    @property
    def is_undone(self) -> bool:
        """Tell whether nobody came to ask it."""
        return not self.is_told and not self.is_next

    @property
    def is_live(self) -> bool:
        return self.is_next or (self.job is not None and self.job.state in LIVE)

    @property
    def state(self) -> str:
        """Return a state word: of the job, or of what needed none."""
        if self.is_next:
            return "waiting"
        if self.is_left:
            return "failed"
        return self.job.state if self.job else "succeeded"

    @property
    def title(self) -> str:
        if self.is_next:
            return _("Waiting")
        if self.is_left:
            return _("Not done")
        return _(self.job.get_state_display()) if self.job else _("Done")

    @property
    def told(self) -> str:
        """Return why not, or what went wrong later."""
        if self.is_undone:
            return _("The work broke off before its turn.")
        fault = self.job.fault if self.job and isinstance(self.job.fault, dict) else {}
        return self.refused or str(fault.get("message", ""))


@dataclass(frozen=True)
class Results:
    """All of them. `rest` is the form that was sent for those undone, if one was."""

    key: uuid.UUID
    choice: Choice
    rows: list[Result]
    tags: Mapping[str, str]
    rest: str

    @property
    def is_live(self) -> bool:
        return any(row.is_live for row in self.rows)

    @property
    def in_short(self) -> str:
        """Return how far it is, for who hears the page."""
        done = sum(not row.is_live and not row.is_undone for row in self.rows)
        return _("%(n)d of %(all)d are done.") % {"n": done, "all": len(self.rows)}

    @property
    def refused(self) -> int:
        return sum(bool(row.refused) for row in self.rows)

    @property
    def undone(self) -> list[Result]:
        return [row for row in self.rows if row.is_undone]


def results(user: User, key: uuid.UUID) -> Results | None:
    """Return what came of an act, None when it is not known (any more). Three queries."""
    form = SentForm.objects.filter(user=user, key=key).first()
    if form is None or not _is_ours(form.result):
        return None
    result = form.result
    silent = timezone.now() - datetime.fromisoformat(result["noted_at"])
    is_next = result["is_open"] and silent < PATIENCE
    told = {pk: (job, refused) for pk, job, refused in result["rows"]}
    jobs = Job.objects.visible_to(user).in_bulk([job for job, _refused in told.values() if job])
    ids = [pk for pk, _name in result["chosen"]]
    there = set(Machine.objects.visible_to(user).filter(pk__in=ids).values_list("pk", flat=True))
    rows = []
    for pk, name in result["chosen"]:
        job, refused = told.get(pk, ("", ""))
        rows.append(
            Result(
                machine_id=uuid.UUID(pk),
                name=name,
                job=jobs.get(uuid.UUID(job)) if job else None,
                refused=refused,
                is_there=uuid.UUID(pk) in there,
                is_told=pk in told,
                is_next=is_next and pk not in told,
            )
        )
    return Results(
        key=key,
        choice=BY_VALUE[result["verb"]],
        rows=sorted(rows, key=lambda row: not row.is_left),
        tags={name: ", ".join(words) for name, words in result["tags"].items()},
        rest=result.get("rest", ""),
    )
