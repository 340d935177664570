"""What can be done with a registered endpoint: change it, have its account checked, forget it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters

from fabric.actions import providers
from fabric.models import Machine, Provider, Stamp
from fabric.states import GONE
from portal import faults
from portal.admin_site.access import operator_required
from portal.admin_site.fabric import spf_words
from portal.admin_site.fabric.noun import Command
from portal.admin_site.forms.providers import ProviderChangeForm, StampNameForm
from tenants.errors import Refused

ANSWERS_WITHIN = timedelta(seconds=90)
# What the services are for, and the words for those of our own.
SERVICES = {
    "Admin": (
        gettext_lazy("Admin service"),
        gettext_lazy("VMM servers and tenants are registered there."),
    ),
    "VMM": (
        gettext_lazy("VMM service"),
        gettext_lazy("Clouds, machines and all that belongs to them."),
    ),
    "VMM rights": (
        gettext_lazy("Rights in VMM"),
        gettext_lazy("What the account sees and may do in VMM."),
    ),
    "Provider": (
        gettext_lazy("Provider service"),
        gettext_lazy("Plans and subscriptions are announced there."),
    ),
    "Usage": (gettext_lazy("Usage service"), gettext_lazy("Billing reads usage records there.")),
}


@dataclass(frozen=True)
class Check:
    """What the services said of the account, as the page shows it; `asked` until they have.

    `account` is the row of our own SPF, where the endpoint leads there.
    """

    lines: list[dict[str, Any]]
    at: datetime | None
    asked: datetime | None
    account: Any = None

    @property
    def is_waiting(self) -> bool:
        return self.asked is not None and timezone.now() - self.asked < ANSWERS_WITHIN

    @property
    def is_unanswered(self) -> bool:
        return self.asked is not None and not self.is_waiting

    @property
    def shut(self) -> int:
        return sum(not line["ok"] for line in self.lines)


def check_of(request: HttpRequest, provider: Provider) -> Check:
    """Return the last check; the URL says when another was asked for."""
    asked = moment(request.GET.get("asked", ""))
    now, last = timezone.now(), provider.checked_at
    if asked is not None and (asked > now or (last is not None and last >= asked)):
        asked = None
    lines = []
    for told in provider.account_check or []:
        title, purpose = SERVICES.get(told["service"], (told["service"], ""))
        lines.append({**told, "title": title, "purpose": purpose})
    account = spf_words.account_of(provider) if any(not line["ok"] for line in lines) else None
    return Check(lines, provider.checked_at, asked, account)


def moment(text: str) -> datetime | None:
    """Return the time of a number of seconds in a URL; None for anything else."""
    try:
        return datetime.fromtimestamp(int(text), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def commands(provider: Provider) -> list[Command]:
    """Return the buttons of an endpoint's page."""

    def at(name: str) -> str:
        return reverse(name, args=[provider.pk])

    return [
        Command(_("Read now"), "refresh-cw", at("provider-refresh"), "post"),
        Command(_("Check account"), "key-round", at("provider-check"), "post"),
        Command(_("Change registration"), "pencil", at("provider-edit")),
        Command(_("Register VMM server"), "plus", at("stamp-register")),
        Command(_("Remove"), "trash-2", at("provider-remove"), tone="danger", apart=True),
    ]


@operator_required
def check(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Have the account checked; htmx asks for what is known of it until it was."""
    provider = get_object_or_404(Provider, pk=pk)
    here = reverse("provider", args=[pk])
    if request.method == "POST":
        providers.check_account(by=request.user, provider=provider)
        return redirect(f"{here}?asked={int(timezone.now().timestamp())}#check")
    if not request.htmx:
        return redirect(here)
    context = {"provider": provider, "check": check_of(request, provider)}
    return render(request, "admin_site/vm_clouds/_check.html", context)


@operator_required
@sensitive_post_parameters("password")
def edit(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Change address or account; the action asks the SPF whether they are good."""
    provider = get_object_or_404(Provider, pk=pk)
    form = ProviderChangeForm(request.POST or None, request.FILES or None, provider=provider)
    if form.is_valid():
        before = providers.version(provider)
        try:
            now = providers.change(by=request.user, provider=provider, **form.cleaned_data)
        except Refused as refusal:
            faults.refuse(form, refusal)
        else:
            if providers.version(now) == before:
                messages.info(request, _("Nothing was changed."))
            else:
                messages.success(request, _("“%s” is changed.") % now.name)
            return redirect("provider", pk)
    context = {"form": form, "provider": provider, "stamps": provider.stamps.all()}
    return render(request, "admin_site/vm_clouds/edit.html", context)


@operator_required
def remove(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask once more, and forget an endpoint; what uses it is named instead."""
    provider = get_object_or_404(Provider, pk=pk)
    problem = ""
    if request.method == "POST":
        try:
            providers.remove(by=request.user, provider=provider)
        except Refused as refusal:
            problem = refusal.message
        else:
            messages.success(request, _("“%s” is removed.") % provider.name)
            return redirect("vmclouds")
    context = {
        "provider": provider,
        "stamps": provider.stamps.all(),
        "held": providers.uses(provider),
        "gone": Machine.objects.filter(stamp__provider=provider, state__in=GONE).count(),
        "problem": problem,
    }
    return render(request, "admin_site/vm_clouds/remove.html", context)


@operator_required
def rename_stamp(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Call a VMM server something else."""
    stamp = get_object_or_404(Stamp.objects.select_related("provider"), pk=pk)
    form = StampNameForm(request.POST or None, initial={"friendly_name": stamp.friendly_name})
    if form.is_valid():
        try:
            stamp = providers.rename_stamp(by=request.user, stamp=stamp, **form.cleaned_data)
        except Refused as refusal:
            faults.refuse(form, refusal)
        else:
            messages.success(request, _("It is called “%s” now.") % stamp.friendly_name)
            return redirect("provider", stamp.provider_id)
    context = {"form": form, "stamp": stamp}
    return render(request, "admin_site/vm_clouds/rename_stamp.html", context)
