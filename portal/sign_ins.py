"""End one sign-in of one's own; allauth ends all the others at once."""

from __future__ import annotations

from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _


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
