"""One member: role, actions, machines, part of the quota; removing them."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from fabric.actions import members
from plans.models import Subscription
from portal.faults import refuse, told
from portal.tenant_site.access import own, signed_in
from portal.tenant_site.forms.team import MemberForm
from portal.tenant_site.tenant_choice import Choice
from portal.tenant_site.views.team import changing, part_of
from tenants.errors import NotPermitted, Refused
from tenants.models import Membership


def load(request: HttpRequest, pk: int) -> Membership:
    """Return the member of a tenant of the person, or 404."""
    mine = Membership.objects.filter(tenant__memberships__user=request.user)
    return get_object_or_404(mine.select_related("tenant", "user", "custom_role"), pk=pk)


@signed_in
@own(load, "GET", "POST")
def show(request: HttpRequest, member: Membership) -> HttpResponse:
    choice = _changing(request, member)
    form = MemberForm(
        request.POST if request.method == "POST" else None,
        tenant=member.tenant,
        held=choice.authority,
        of=member,
        shares=list(Subscription.objects.filter(tenant=member.tenant).order_by("name", "pk")),
    )
    if form.is_looking:
        form.hush()
    elif request.method == "POST" and form.is_valid():
        try:
            members.change(
                by=request.user,
                membership=member,
                place=form.place,
                machines=form.chosen,
                limits=form.limits,
            )
        except Refused as refused:
            refuse(form, refused)
        else:
            messages.success(request, _("Saved. It counts from now on."))
            return redirect(_team(choice))
    context = {
        "title": str(member.user),
        "member": member,
        "form": form,
        "back": _team(choice),
        "is_own": member.user_id == request.user.pk,
    }
    return render(request, f"tenant_site/team/{part_of(request, 'member')}.html", context)


@signed_in
@own(load, "GET", "POST")
def remove(request: HttpRequest, member: Membership) -> HttpResponse:
    choice = _changing(request, member)
    if request.method == "POST":
        with told(request):
            members.remove(by=request.user, membership=member)
            messages.success(request, _("%(who)s is off the team.") % {"who": member.user})
        return redirect(_team(choice))
    context = {
        "title": _("Remove %(who)s from the team") % {"who": member.user},
        "member": member,
        "back": _team(choice),
    }
    return render(request, "tenant_site/team/remove.html", context)


def _changing(request: HttpRequest, member: Membership) -> Choice:
    """Return the choice; 403 for who may not change this member."""
    choice = changing(request, member.tenant_id)
    try:
        choice.authority.check_changes(member)
    except NotPermitted as refused:
        raise PermissionDenied(refused.message) from refused
    return choice


def _team(choice: Choice) -> str:
    return reverse("team") + choice.query
