"""Jobs in words, in the language of who looks: rows keep English and names."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.translation import gettext as _

from fabric.durable.states import JobState
from fabric.models import Job
from portal.templatetags.operations import act_title

register = template.Library()

# What a recipe does when its inputs name no verb, as the operations log calls it.
ACTIONS = {"machine.remove": "machine.delete"}


def action_of(job: Job) -> str:
    """Return the act a job is the work of, as the operations log names it."""
    area, _dot, rest = job.recipe.partition(".")
    verb = job.inputs.get("verb")
    return f"{area}.{verb}" if verb else ACTIONS.get(job.recipe, f"{area}.{rest}")


@register.filter
def job_title(job: Job) -> str:
    """Return what a job does, and to what: "Start web-01"."""
    about = job.machine.name if job.machine_id else job.inputs.get("name", "")
    return f"{act_title(action_of(job))} {about or job.subscription.name}"


@register.filter
def job_state(job: Job) -> str:
    """Return the state of a job in words."""
    if job.cancel_requested_at and not job.is_final:
        return _("Cancelling")
    return str(JobState(job.state).label)


@register.filter
def said(text: str) -> Any:
    """Return a text that a row keeps in English in the viewer's language, if we have it."""
    return _(text) if text else ""
