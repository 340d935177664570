"""Second factors: our words for allauth's, secrets sealed, and tenants that insist on one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_htmx.http import HttpResponseClientRedirect

from fabric.vault import store
from portal import problems
from tenants.actions import operations
from tenants.models import Instance, User

PLACE = "second factor"
# What somebody may do while a tenant keeps them out: set one up, look after the account, leave.
OPEN = ("mfa_", "account", "usersessions_", "theme", "session-")
JOIN = "invitation"


class SecondFactorAdapter(DefaultMFAAdapter):
    """Secrets lie sealed in the database, as every other secret does."""

    error_messages = {
        "add_email_blocked": gettext_lazy(
            "With a second factor on, addresses cannot be added: turn it off first, add the "
            "address, confirm it, and set the factor up again."
        ),
        "cannot_delete_authenticator": gettext_lazy("This factor cannot be turned off."),
        "cannot_generate_recovery_codes": gettext_lazy(
            "Recovery codes stand in for a second factor: set one up first."
        ),
        "incorrect_code": gettext_lazy("This code is not right, or it is used up."),
        "unverified_email": gettext_lazy(
            "Confirm all your mail addresses first, or remove those that are not yours."
        ),
        "rate_limited": gettext_lazy("Too many tries. Wait a few minutes, then try again."),
    }

    def get_totp_issuer(self) -> str:
        return Instance.current().name

    def _get_site_name(self) -> str:
        return Instance.current().name

    def encrypt(self, text: str) -> str:
        return store.seal(text, PLACE)

    def decrypt(self, encrypted_text: str) -> str:
        return store.unseal(encrypted_text, PLACE)

    def generate_authenticator_name(self, user: Any, type: Any) -> str:
        count = user.authenticator_set.filter(type=type).count()
        return _("Passkey %(number)d") % {"number": count + 1}


class SecondFactorMiddleware:
    """Lead members of a tenant that requires a second factor to setting it up; refuse the rest."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *told: object) -> HttpResponse | None:
        if settings.SITE != "tenant" or not request.session.session_key:
            return None
        if not getattr(request.user, "lacks_second_factor", False):
            return None
        match = request.resolver_match
        name = (match.url_name if match else "") or ""
        if name == JOIN or name.startswith(OPEN):
            return None
        words = _("Your team requires a second factor: set one up to go on.")
        if problems.is_asked_by_program(request):
            return problems.answer(request, "not_permitted", words)
        if request.htmx:
            return HttpResponseClientRedirect(reverse("mfa_index"))
        messages.warning(request, words)
        return redirect("mfa_index")


def note_added(sender: object, user: User, authenticator: Any, **_: Any) -> None:
    """Log that a person has one more factor, or new recovery codes."""
    _note("user.second_factor_added", user, authenticator)


def note_removed(sender: object, user: User, authenticator: Any, **_: Any) -> None:
    """Log that a person has one less."""
    _note("user.second_factor_removed", user, authenticator)


def _note(action: str, user: User, authenticator: Any) -> None:
    operations.done(
        action,
        by=user,
        tenant=user.tenants.first(),
        object_type="user",
        object_id=user.pk,
        object_name=user.email,
        parameters={"kind": str(authenticator.type)},
    )
