"""The pages that ask before an act on a machine: what it does, a form if need be, one button."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from fabric.models import Machine
from portal.faults import refuse
from portal.tenant_site.held import rights_in
from portal.tenant_site.machine_access import back_to
from portal.tenant_site.machine_commands import why_not
from tenants.errors import Refused

TEMPLATE = "tenant_site/machines/asked.html"


@dataclass(frozen=True)
class Asked:
    """What a page asks. `reason` says why the act is impossible now; `tab` is where it leads back;
    `warns` stands out: what will be lost. `aside` is a link beside it: title and address.
    `look` is the word of a second button, which only asks.
    """

    title: str
    word: str
    icon: str
    tab: str
    says: Sequence[str] = ()
    warns: str = ""
    tone: str = ""
    reason: str | None = None
    aside: tuple[str, str] | None = None
    look: str = ""


def reason_now(request: HttpRequest, machine: Machine, verb: str) -> str | None:
    """Return why the person cannot do this with the machine now, None when they can."""
    return why_not(machine, verb, rights_in(request, machine.subscription.tenant_id))


def ask(
    request: HttpRequest,
    machine: Machine,
    asked: Asked,
    form: forms.Form,
    act: Callable[[dict[str, Any]], Any],
    look: Callable[[dict[str, Any]], str] | None = None,
) -> HttpResponse:
    """Show the page; once the form is sent and well, act and lead back. One act for one form.

    `act` is given the cleaned values. What it returns, if that is an answer, is where it leads.
    `look` is called instead where only that is asked for; it returns the good news.
    """
    if request.method == "POST" and form.is_valid():
        try:
            if look is not None and "look" in request.POST:
                return _page(request, machine, asked, form, look(form.cleaned_data))
            led = act(form.cleaned_data)
        except Refused as refused:
            refuse(form, refused)
        else:
            return led if isinstance(led, HttpResponse) else back_to(machine, asked.tab)
    return _page(request, machine, asked, form)


def confirm(
    request: HttpRequest, machine: Machine, asked: Asked, act: Callable[[], object]
) -> HttpResponse:
    """Do the same for an act that needs only a yes."""
    form = forms.Form(request.POST if request.method == "POST" else None)

    def acted(_said: dict[str, Any]) -> None:
        act()

    return ask(request, machine, asked, form, acted)


def _page(
    request: HttpRequest, machine: Machine, asked: Asked, form: forms.Form, found: str = ""
) -> HttpResponse:
    context = {"title": asked.title, "machine": machine, "asked": asked, "form": form}
    return render(request, TEMPLATE, context | {"found": found})
