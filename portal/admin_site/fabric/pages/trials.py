"""Test deployments: whether a template deploys to a cloud, and how long each step takes."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabric.vmm.actions import trials
from fabric.vmm.errors import VMMError
from fabric.vmm.models import Cloud, VMNetwork, VMTemplate
from portal.admin_site.fabric import log
from portal.admin_site.fabric.console import Console, fabric_page
from portal.admin_site.fabric.forms import NounForm, RowField
from portal.admin_site.fabric.noun import Command


class TrialForm(NounForm):
    template = RowField(VMTemplate, label=gettext_lazy("VM template"), only={"is_enabled": True})
    cloud = RowField(Cloud, label=gettext_lazy("Cloud"))
    network = RowField(
        VMNetwork,
        label=gettext_lazy("VM network"),
        required=False,
        empty_label=gettext_lazy("Not connected"),
    )


def command(console: Console, **said: Any) -> Command:
    """Return the button on the page of a template or a cloud."""
    words = {key: row.pk for key, row in said.items()}
    url = console.link("fabric-trial-new", **words)
    return Command(_("Test deployment"), "list-checks", url)


def begin(request: HttpRequest, console: Console) -> HttpResponse:
    """Choose a template and a cloud, and begin."""
    said = {key: value for key, value in request.GET.items() if key in TrialForm.base_fields}
    data = (request.POST or {"": ""}) if request.method == "POST" else None
    form = TrialForm(data, console=console, initial=said)
    if form.is_valid():
        words = form.keywords()
        try:
            job = log.carry_out(
                "fabric.trial.begin",
                lambda: trials.begin(console.caller, **words),
                by=request.user,
                object_type="fabric-job",
                parameters=words,
                name=str(words["template"]),
            )
        except VMMError as refused:
            form.refuse(refused)
        else:
            return redirect("fabric-job", job.pk)
    context = {"console": console, "form": form, "back": back(said, console)}
    return render(request, "admin_site/fabric/trials/new.html", context)


def back(said: dict[str, str], console: Console) -> str:
    """Return the page that the person came from."""
    return reverse("fabric-template-list") if "cloud" not in said else reverse("fabric-cloud-list")


new_page = fabric_page(begin, changes=True)
