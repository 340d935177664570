"""Roles: those everybody has, and those a tenant composes."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from fabric.actions import members
from portal.faults import refuse, told
from portal.tenant_site.access import own, signed_in
from portal.tenant_site.forms.team import TOLD, RoleForm
from portal.tenant_site.tenant_choice import choose
from portal.tenant_site.views.team import changing
from tenants import rights
from tenants.actions import roles
from tenants.errors import Refused
from tenants.models import Role, TenantRole


@signed_in
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    choice = choose(request)
    waiting = Q(invitations__accepted_at=None, invitations__revoked_at=None)
    composed = choice.tenant.roles.annotate(
        people=Count("memberships", distinct=True),
        waiting=Count("invitations", filter=waiting, distinct=True),
    )
    context = {
        "title": _("Roles"),
        "choice": choice,
        "standing": [
            (role.label, told_of, _words(rights.of_role(role))) for role, told_of in TOLD.items()
        ],
        "composed": [(role, _words(rights.of_role(Role.CUSTOM, role))) for role in composed],
    }
    return render(request, "tenant_site/roles/index.html", context)


@signed_in
@require_http_methods(["GET", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    choice = changing(request)
    form = RoleForm(request.POST if request.method == "POST" else None, held=choice.authority)
    if request.method == "POST" and form.is_valid():
        given = dict(form.cleaned_data)
        try:
            roles.create(by=request.user, tenant=choice.tenant, given=given.pop("rights"), **given)
        except Refused as refused:
            refuse(form, refused)
        else:
            messages.success(request, _("The role “%s” can be given now.") % given["name"])
            return redirect(reverse("roles") + choice.query)
    context = {"title": _("New role"), "choice": choice, "form": form}
    return render(request, "tenant_site/roles/edit.html", context)


def load(request: HttpRequest, pk: uuid.UUID) -> TenantRole:
    """Return the role of a tenant of the person, or 404."""
    mine = TenantRole.objects.filter(tenant__memberships__user=request.user)
    return get_object_or_404(mine.select_related("tenant"), pk=pk)


@signed_in
@own(load, "GET", "POST")
def show(request: HttpRequest, role: TenantRole) -> HttpResponse:
    choice = changing(request, role.tenant_id)
    form = RoleForm(
        request.POST if request.method == "POST" else None, held=choice.authority, of=role
    )
    if request.method == "POST" and form.is_valid():
        given = dict(form.cleaned_data)
        try:
            members.change_role(by=request.user, role=role, given=given.pop("rights"), **given)
        except Refused as refused:
            refuse(form, refused)
        else:
            messages.success(request, _("Saved. It counts from now on."))
            return redirect(reverse("roles") + choice.query)
    people = role.memberships.count()
    context = {"title": role.name, "role": role, "choice": choice, "form": form, "people": people}
    return render(request, "tenant_site/roles/edit.html", context)


@signed_in
@own(load, "POST")
def delete(request: HttpRequest, role: TenantRole) -> HttpResponse:
    choice = changing(request, role.tenant_id)
    with told(request):
        roles.delete(by=request.user, role=role)
        messages.success(request, _("The role “%s” is deleted.") % role.name)
    return redirect(reverse("roles") + choice.query)


def _words(held: frozenset[str]) -> list[str]:
    return [str(label) for value, label in rights.Right.choices if value in held]
