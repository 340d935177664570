"""A job as pages show it: its state, its steps, how long it will take, and whose turn it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from fabric.durable import line
from fabric.durable.states import LIVE, JobState
from fabric.vmm import expected, slots
from fabric.vmm.jobs import WORKS
from fabric.vmm.models import Host, Job, VirtualMachine
from portal.admin_site.fabric import cells
from portal.templatetags.moments import exact_text, span

TONES = {
    JobState.WAITING: "busy",
    JobState.RUNNING: "busy",
    JobState.SUCCEEDED: "ok",
    JobState.FAILED: "bad",
    JobState.CANCELLED: "idle",
}


def state(job: Job, shape: str = "") -> SafeString:
    """Return a job's state: dot and word."""
    return cells.state(job.state, _(job.get_state_display()), shape, TONES[JobState(job.state)])


def is_live(job: Job | None) -> bool:
    return job is not None and job.state in LIVE


@dataclass(frozen=True)
class Placed:
    """Why a host was chosen."""

    host: str
    stars: float
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Work:
    """One job with all there is to tell of it, and what can be done about it."""

    job: Job
    place: str
    usually: str
    placed: Placed | None
    no_resume: str
    no_cancel: str
    no_undo: str

    @property
    def is_live(self) -> bool:
        return is_live(self.job)

    @property
    def is_failed(self) -> bool:
        return self.job.state == JobState.FAILED

    @property
    def steps(self) -> list[dict[str, Any]]:
        """Return the steps with when they began and ended, by the viewer's clock."""
        return [
            {**step, "began": clock(step.get("started_at")), "ended": clock(step.get("ended_at"))}
            for step in self.job.steps
        ]

    @property
    def now(self) -> str:
        """Return what is being done, in words."""
        step = self.job.current_step
        return step["title"] if step else ""


def clock(moment: str | None) -> SafeString | str:
    """Return the time of day, with the date on hover."""
    at = parse_datetime(moment) if moment else None
    if at is None:
        return cells.NOTHING
    here = timezone.localtime(at)
    text = '<time datetime="{}" title="{}">{}</time>'
    return format_html(text, at.isoformat(), exact_text(at), f"{here:%H:%M:%S}")


def work(job: Job, *, failed_now: bool) -> Work:
    """Return a job with what its page needs; `failed_now`: nothing has worked on its machine since.

    Up to four queries, however many jobs there are.
    """
    return Work(
        job=job,
        place=in_line(job),
        usually=usually(job) if is_live(job) else "",
        placed=placed(job),
        no_resume=no_resume(job, failed_now),
        no_cancel=no_cancel(job),
        no_undo=no_undo(job, failed_now),
    )


def in_line(job: Job) -> str:
    """Return the place of a job that waits for its turn or for a slot of a host, in words."""
    if not is_live(job):
        return ""
    place = line.place(job) or slots.place_in_line(job)
    return line.in_words(place) if place else ""


def usually(job: Job) -> str:
    """Return how long a deployment of its template takes, in words; "" without history."""
    if job.template is None:
        return ""
    kind = job.host.hypervisor if job.host else kinds_of(job)
    told = expected.of(job.template, kind) if kind else None
    if told is None:
        return ""
    half, most = (span(max(1.0, seconds)) for seconds in told)
    return _("%(template)s usually takes %(half)s, nine times out of ten at most %(most)s.") % {
        "template": job.template,
        "half": half,
        "most": most,
    }


def kinds_of(job: Job) -> str:
    """Return the kind of the server's hosts, before one is chosen."""
    kinds = Host.objects.filter(server=job.server_id).values_list("hypervisor", flat=True)
    return kinds.order_by("hypervisor").first() or ""


def placed(job: Job) -> Placed | None:
    """Return why its host was chosen, where the job chose one."""
    noted = job.memo.get("placement")
    if not noted:
        return None
    host = str(job.host or job.memo.get("host", ""))
    return Placed(host, noted["stars"], tuple(noted["reasons"]))


def no_resume(job: Job, failed_now: bool) -> str:
    """Return why a job cannot be resumed, "" when it can."""
    if job.state != JobState.FAILED:
        return _("it has not failed")
    known = WORKS.get(job.recipe)
    if known is None:
        return _("nothing knows its recipe any more")
    if not failed_now:
        return _("a later job has worked on the machine since")
    return known.refusal(job)


def no_cancel(job: Job) -> str:
    """Return why a job cannot be stopped, "" when it can."""
    if not is_live(job):
        return _("it has ended")
    known = WORKS.get(job.recipe)
    if known is None or known.recipe.cancel_before is None:
        return _("this work is always brought to an end")
    if job.cancel_requested_at is not None:
        return _("it is being cancelled")
    if not known.recipe.cancellable_at(job.step):
        return _("it has come too far")
    return ""


def no_undo(job: Job, failed_now: bool) -> str:
    """Return why what a failed job did cannot be undone, "" when it can."""
    against = no_resume(job, failed_now) if job.state != JobState.FAILED or not failed_now else ""
    if against:
        return against
    known = WORKS.get(job.recipe)
    if known is None:
        return _("nothing knows its recipe any more")
    if job.recipe.startswith("deploy"):
        return ""
    return known.refusal(job) or ("" if known.undo else _("it left nothing to undo"))


def machine_of(job: Job) -> VirtualMachine | None:
    """Return the machine a job works on; None when it works on none, or on one that is gone."""
    return VirtualMachine.objects.filter(pk=job.subject).first()
