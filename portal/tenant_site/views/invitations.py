"""Invitations: sending again, withdrawing, and the page behind a mailed link."""

from __future__ import annotations

import uuid

from allauth.account.utils import perform_login
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from fabric.actions import members
from portal import invitations as mails
from portal.faults import refuse, told
from portal.tenant_site.access import own, signed_in
from portal.tenant_site.forms.invitations import JoinForm
from portal.tenant_site.views.team import changing, tell_sent
from tenants.actions import invitations
from tenants.errors import Refused
from tenants.models import Invitation


def load(request: HttpRequest, pk: uuid.UUID) -> Invitation:
    """Return the invitation of a tenant of the person, or 404."""
    mine = Invitation.objects.filter(tenant__memberships__user=request.user)
    return get_object_or_404(mine.select_related("tenant", "invited_by"), pk=pk)


@signed_in
@own(load, "POST")
def send_again(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    choice = changing(request, invitation.tenant_id)
    if not mails.may_send(invitation):
        messages.warning(request, _("It was sent a moment ago: wait a minute."))
        return redirect(reverse("team") + choice.query)
    with told(request):
        token = invitations.send_again(by=request.user, invitation=invitation)
        invitation.refresh_from_db()
        tell_sent(request, invitation.email, mails.send(invitation, token))
    return redirect(reverse("team") + choice.query)


@signed_in
@own(load, "POST")
def withdraw(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    choice = changing(request, invitation.tenant_id)
    with told(request):
        invitations.revoke(by=request.user, invitation=invitation)
        messages.success(request, _("The link of %s opens nothing any more.") % invitation.email)
    return redirect(reverse("team") + choice.query)


@require_http_methods(["GET", "POST"])
def open_link(request: HttpRequest, token: str) -> HttpResponse:
    """Show what a link is for, and join with it. Every link that fails is told the same."""
    invitation = invitations.find(token)
    if invitation is None:
        return _answer(request, "void", {}, status=404)
    if request.user.is_authenticated:
        return _join(request, invitation, token)
    account = invitations.account_of(invitation)
    form = JoinForm(request.POST if request.method == "POST" and account is None else None)
    if form.is_bound and form.is_valid():
        try:
            user = members.join_anew(token=token, **form.cleaned_data)
        except Refused as refused:
            refuse(form, refused)
        else:
            return perform_login(request, user)
    here = urlencode({"next": reverse("invitation", args=[token])})
    shown = {
        "invitation": invitation,
        "form": form,
        "has_account": account is not None,
        "sign_in": f"{reverse('account_login')}?{here}",
    }
    return _answer(request, "open", shown)


def _join(request: HttpRequest, invitation: Invitation, token: str) -> HttpResponse:
    """Let the invited person in; whoever else is signed in learns how to go on."""
    shown = {
        "invitation": invitation,
        "is_for_me": invitations.is_for(invitation, request.user),
        "here": reverse("invitation", args=[token]),
    }
    if request.method == "POST" and shown["is_for_me"]:
        try:
            membership = members.accept(by=request.user, token=token)
        except Refused as refused:
            shown["problem"] = refused.message
        else:
            name = membership.tenant.name
            messages.success(request, _("You are on the team of %s.") % name)
            return redirect("overview")
    return _answer(request, "join", shown)


def _answer(request: HttpRequest, page: str, shown: dict, status: int = 200) -> HttpResponse:
    response = render(request, f"tenant_site/invitations/{page}.html", shown, status=status)
    add_never_cache_headers(response)
    return response
