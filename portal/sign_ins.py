"""The sign-ins of a person; end one of them. allauth ends all the others at once."""

from __future__ import annotations

from typing import Any

from allauth.usersessions.models import UserSession
from allauth.usersessions.views import ListUserSessionsView
from django.contrib import messages
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from tenants.models import User


class SignIns(ListUserSessionsView):
    """allauth's list, which would ask three times for each sign-in."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super(ListUserSessionsView, self).get_context_data(**kwargs)
        there = live(self.request.user)
        return context | {"sessions": there, "session_count": len(there)}


def live(user: User) -> list[UserSession]:
    """Return a person's sign-ins that still open the site, oldest first; forget the others.

    One that a changed password has shut is among the others. Two queries, and one to forget.
    """
    noted = list(UserSession.objects.filter(user=user).order_by("created_at", "pk"))
    kept = Session.objects.filter(
        session_key__in=[one.session_key for one in noted], expire_date__gt=timezone.now()
    )
    proofs = (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
    opens = {each.session_key for each in kept if _is_proven(each, proofs)}
    dead = [one.pk for one in noted if one.session_key not in opens]
    if dead:
        UserSession.objects.filter(pk__in=dead).delete()
    return [one for one in noted if one.session_key in opens]


def _is_proven(session: Session, proofs: tuple[str, ...]) -> bool:
    shown = str(session.get_decoded().get(HASH_SESSION_KEY, ""))
    return any(constant_time_compare(shown, proof) for proof in proofs)


def end_sign_in(request: HttpRequest, pk: int) -> HttpResponse:
    """Sign out a browser of this person, the one in use excepted: that has a button of its own."""
    found = get_object_or_404(UserSession, pk=pk, user=request.user)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if found.session_key == request.session.session_key:
        messages.error(request, _("This is the browser you are using: sign out instead."))
    else:
        found.end()
        messages.success(request, _("That browser is signed out."))
    return redirect("usersessions_list")
