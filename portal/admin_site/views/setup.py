"""The set-up page: there until somebody with the code has used it, and never again."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from fabric.actions import setup
from portal import faults
from portal.admin_site.forms.setup import SetUpForm
from tenants.errors import Refused


@sensitive_post_parameters()
def set_up(request: HttpRequest) -> HttpResponse:
    """Set this installation up and sign its first administrator in."""
    if setup.is_done():
        raise Http404
    form = SetUpForm(request.POST or None)
    if form.is_valid():
        try:
            user = setup.set_up(**form.cleaned_data)
        except Refused as refusal:
            faults.refuse(form, refusal)
        else:
            login(request, user)
            messages.success(request, _("This cloud is set up, and you are signed in."))
            return redirect("overview")
    return render(request, "admin_site/setup.html", {"form": form})
