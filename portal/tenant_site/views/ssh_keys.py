"""SSH keys of the account: what new Linux machines may be given."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.faults import refuse
from portal.models import SshKey
from portal.tenant_site.access import signed_in
from portal.tenant_site.creating import keys
from portal.tenant_site.forms.ssh_keys import SshKeyForm
from tenants.errors import Refused


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """The person's keys, and room for another one."""
    form = SshKeyForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            made = keys.add(request.user, form.cleaned_data["text"], form.cleaned_data["name"])
        except Refused as refused:
            refuse(form, refused)
        else:
            messages.success(request, _("The key “%(name)s” is kept.") % {"name": made.name})
            return redirect("ssh-keys")
    context = {"title": _("SSH keys"), "form": form, "keys": keys.keys_of(request.user)}
    return render(request, "tenant_site/creating/ssh_keys.html", context)


@signed_in
def remove(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Take a key out of the account; machines that have it keep it."""
    key = get_object_or_404(SshKey.objects.filter(user=request.user), pk=pk)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    key.delete()
    messages.success(
        request, _("“%(name)s” is gone from your account; machines keep it.") % {"name": key.name}
    )
    return redirect("ssh-keys")
