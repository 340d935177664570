"""A person's API keys: issued, shown once, revoked."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from portal.faults import refuse, told
from portal.tenant_site.access import own, signed_in
from portal.tenant_site.forms.keys import KeyForm
from portal.tenant_site.tenant_choice import choose
from tenants import rights
from tenants.actions import api_keys
from tenants.errors import Refused
from tenants.models import ApiKey

SHOWN = 100


@signed_in
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    mine = ApiKey.objects.filter(user=request.user).select_related("tenant")
    live = list(mine.live().order_by("-created_at", "pk"))
    ended = mine.exclude(pk__in=[key.pk for key in live]).order_by("-created_at", "pk")
    context = {
        "title": _("API keys"),
        "keys": [(key, _words(key)) for key in [*live, *ended[:SHOWN]]],
        "now": timezone.now(),
        "is_member": request.user.memberships.exists(),
    }
    return render(request, "tenant_site/keys/index.html", context)


@signed_in
@require_http_methods(["GET", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    """Show the new key in the answer itself: reloading sends the form again, not the key."""
    choice = choose(request)
    form = KeyForm(request.POST if request.method == "POST" else None, held=choice.held)
    if request.method == "POST" and form.is_valid():
        try:
            key, text = api_keys.issue(
                by=request.user,
                tenant=choice.tenant,
                name=form.cleaned_data["name"],
                scopes=form.scopes,
                days=form.cleaned_data["days"],
            )
        except Refused as refused:
            refuse(form, refused)
        else:
            shown = {"title": _("Your new key"), "key": key, "text": text, "words": _words(key)}
            return render(request, "tenant_site/keys/made.html", shown)
    context = {"title": _("New API key"), "choice": choice, "form": form}
    return render(request, "tenant_site/keys/new.html", context)


def load(request: HttpRequest, pk: uuid.UUID) -> ApiKey:
    """Return the person's key, or 404."""
    mine = ApiKey.objects.filter(user=request.user).select_related("tenant", "user")
    return get_object_or_404(mine, pk=pk)


@signed_in
@own(load, "POST")
def revoke(request: HttpRequest, key: ApiKey) -> HttpResponse:
    with told(request):
        api_keys.revoke(by=request.user, key=key)
        messages.success(request, _("The key “%s” opens nothing any more.") % key.name)
    return redirect("keys")


def _words(key: ApiKey) -> list[str]:
    return [str(label) for value, label in rights.Right.choices if value in key.scopes]
