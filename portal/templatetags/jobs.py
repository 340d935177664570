"""Jobs in words, in the language of who looks: rows keep English and names."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from fabric.durable.states import JobState
from fabric.models import Job
from portal.templatetags.parts import state

register = template.Library()


@register.filter
def job_title(job: Job) -> str:
    """Return what a job does, and to what, in the viewer's language: "Start web-01"."""
    told = job.inputs.get("title")
    if not told:
        return job.title
    words, about = told
    return str(_(words)) % {"name": about}


@register.filter
def job_state(job: Job) -> str:
    """Return the state of a job in words."""
    if job.cancel_requested_at and not job.is_final:
        return _("Cancelling")
    return str(JobState(job.state).label)


@register.simple_tag
def job_status(job: Job, shape: str = "") -> SafeString:
    """Show the state of a job as dot and word; work that runs is busy, unlike a machine."""
    return state(job.state, job_state(job), shape, "" if job.is_final else "busy")


@register.filter
def said(text: str) -> Any:
    """Return a text that a row keeps in English in the viewer's language, if we have it."""
    return _(text) if text else ""
