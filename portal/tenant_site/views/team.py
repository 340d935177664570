"""The team: who is on it, inviting, what counts for everybody, leaving."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from fabric.actions import members
from plans.models import MemberLimit
from portal import invitations
from portal.faults import refuse, told
from portal.keyset import paginate
from portal.tenant_site.access import signed_in
from portal.tenant_site.forms.team import InviteForm, TenantForm
from portal.tenant_site.tenant_choice import Choice, choose
from tenants import second_factor
from tenants.actions import team
from tenants.errors import Refused
from tenants.models import Membership


@signed_in
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    if not request.user.memberships.exists():
        return render(request, "tenant_site/team/none.html", {"title": _("Team")})
    choice = choose(request)
    page = paginate(_people(choice), order="user__email", query=request.GET)
    waiting = choice.tenant.invitations.unanswered().select_related("custom_role", "invited_by")
    context = {
        "title": _("Team"),
        "choice": choice,
        "page": page,
        "waiting": list(waiting) if choice.may_change else [],
        "tenant_form": TenantForm(tenant=choice.tenant) if choice.is_admin else None,
    }
    return render(request, "tenant_site/team/index.html", context)


def _people(choice: Choice) -> QuerySet[Membership]:
    parts = MemberLimit.objects.select_related("subscription")
    return (
        choice.tenant.memberships.select_related("user", "custom_role")
        .annotate(machine_count=Count("grants"), has_factor=second_factor.exists("user"))
        .prefetch_related(Prefetch("limits", queryset=parts))
    )


@signed_in
@require_http_methods(["GET", "POST"])
def invite(request: HttpRequest) -> HttpResponse:
    choice = changing(request)
    form = InviteForm(
        request.POST if request.method == "POST" else None,
        tenant=choice.tenant,
        held=choice.authority,
    )
    if form.is_looking:
        form.hush()
    elif request.method == "POST" and form.is_valid():
        try:
            made, token = members.invite(
                by=request.user,
                tenant=choice.tenant,
                email=form.cleaned_data["email"],
                place=form.place,
                machines=form.chosen,
            )
        except Refused as refused:
            refuse(form, refused)
        else:
            tell_sent(request, made.email, invitations.send(made, token))
            return redirect(reverse("team") + choice.query)
    context = {"title": _("Invite somebody"), "choice": choice, "form": form}
    return render(request, f"tenant_site/team/{part_of(request, 'invite')}.html", context)


@signed_in
@require_http_methods(["POST"])
def settings(request: HttpRequest) -> HttpResponse:
    choice = choose(request)
    form = TenantForm(request.POST, tenant=choice.tenant)
    if form.is_valid():
        with told(request):
            team.change_tenant(by=request.user, tenant=choice.tenant, **form.cleaned_data)
            messages.success(request, _("Saved."))
    else:
        messages.error(request, _("The tenant needs a name of at most 120 characters."))
    return redirect(reverse("team") + choice.query)


@signed_in
@require_http_methods(["GET", "POST"])
def leave(request: HttpRequest) -> HttpResponse:
    choice = choose(request)
    if request.method == "POST":
        with told(request):
            members.leave(by=request.user, tenant=choice.tenant)
            messages.success(request, _("You left %(tenant)s.") % {"tenant": choice.tenant.name})
            return redirect("overview")
        return redirect(reverse("team") + choice.query)
    context = {"title": _("Leave %(tenant)s") % {"tenant": choice.tenant.name}, "choice": choice}
    return render(request, "tenant_site/team/leave.html", context)


def changing(request: HttpRequest, tenant: object = None) -> Choice:
    """Return the tenant a page changes the team of; 403 where the person may only look."""
    choice = choose(request, tenant)  # type: ignore[arg-type]
    if not choice.may_change:
        raise PermissionDenied(_("Your role does not allow changing the team."))
    return choice


def part_of(request: HttpRequest, page: str) -> str:
    """Return the template: to htmx, which looks for machines, only these."""
    return "_machines" if request.htmx else page


def tell_sent(request: HttpRequest, email: str, is_sent: bool) -> None:
    """Say whether the link is on its way."""
    if is_sent:
        messages.success(request, _("An invitation is on its way to %s.") % email)
    else:
        messages.warning(
            request,
            _("The invitation of %s stands, but its mail could not be sent: send it again later.")
            % email,
        )
