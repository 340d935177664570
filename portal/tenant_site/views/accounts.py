"""The person's own page."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.accounts import change_profile
from portal.tenant_site.access import signed_in
from portal.tenant_site.forms.accounts import ProfileForm


@signed_in
@require_http_methods(["GET", "POST"])
def show(request: HttpRequest) -> HttpResponse:
    form = ProfileForm(request.POST if request.method == "POST" else None, user=request.user)
    if request.method == "POST" and form.is_valid():
        change_profile(by=request.user, **form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect("account")
    context = {
        "title": _("Account"),
        "form": form,
        "memberships": request.user.memberships.select_related("tenant", "custom_role").order_by(
            "created_at"
        ),
    }
    return render(request, "tenant_site/account.html", context)
