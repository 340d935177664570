"""The first page: what there is, what is wrong, what happened, what to do first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from fabric.durable.states import JobState
from fabric.models import Cloud, Job, Machine, Provider
from fabric.states import GONE, MachineState
from plans.models import Access, Plan, Provisioning, Subscription
from portal.admin_site.access import operator_required
from portal.admin_site.acts import acts

RECENT_ACTS = 8
FAILURES_COUNT_FOR = timedelta(days=1)


@dataclass(frozen=True)
class Step:
    """One thing to do before tenants can have machines."""

    title: str
    why: str
    url: str
    is_done: bool


@operator_required
def show(request: HttpRequest) -> HttpResponse:
    """Show the state of the whole cloud."""
    providers = list(Provider.objects.prefetch_related("stamps"))
    steps = first_steps(providers)
    by_state = machine_states()
    context = {
        "counts": counts(),
        "machine_states": by_state,
        "machine_total": sum(number for _state, _label, number in by_state),
        "providers": providers,
        "acts": acts()[:RECENT_ACTS],
        "steps": steps,
        "next_step": next((step for step in steps if not step.is_done), None),
    }
    return render(request, "admin_site/overview.html", context)


def counts() -> dict[str, int]:
    """Return the numbers at the top of the page."""
    failed_since = timezone.now() - FAILURES_COUNT_FOR
    return {
        "clouds": Cloud.objects.present().count(),
        "plans": Plan.objects.count(),
        "subscriptions": Subscription.objects.count(),
        "out_of_sync": Subscription.objects.filter(provisioning=Provisioning.OUT_OF_SYNC).count(),
        "failed_jobs": Job.objects.filter(
            state=JobState.FAILED, ended_at__gte=failed_since
        ).count(),
    }


def machine_states() -> list[tuple[str, str, int]]:
    """Return (state, its label, how many machines) for the states that occur."""
    found = dict(
        Machine.objects.exclude(state__in=GONE)
        .order_by()
        .values_list("state")
        .annotate(number=Count("pk"))
    )
    return [(state.value, state.label, found[state]) for state in MachineState if state in found]


def first_steps(providers: list[Provider]) -> list[Step]:
    """Return the road to a plan that tenants can use, with what is done of it."""
    provider = providers[0] if providers else None
    plan = Plan.objects.order_by("-created_at").first()
    to_stamp = (
        reverse("stamp-register", args=[provider.pk]) if provider else reverse("provider-register")
    )
    to_plan = reverse("plan", args=[plan.pk]) if plan else reverse("plan-new")
    return [
        Step(
            _("Register SPF"),
            _("Service Provider Foundation is the door to your virtual machine manager."),
            reverse("provider-register"),
            provider is not None,
        ),
        Step(
            _("Register a VMM server"),
            _("Its clouds, templates and networks then appear here by themselves."),
            to_stamp,
            any(each.stamps.all() for each in providers),
        ),
        Step(
            _("Create a plan"),
            _("A plan is what tenants subscribe to."),
            reverse("plan-new"),
            plan is not None,
        ),
        Step(
            _("Set its quotas"),
            _("Choose a cloud, its content and the limits."),
            reverse("plan-quotas", args=[plan.pk]) if plan else to_plan,
            Plan.objects.configured().exists(),
        ),
        Step(
            _("Make it public"),
            _("New plans are private: only you can give them to somebody."),
            reverse("plan-access", args=[plan.pk]) if plan else to_plan,
            Plan.objects.filter(access=Access.PUBLIC).exists(),
        ),
    ]
