"""What we add to allauth: a tenant comes with sign-up, and operators have a site of their own."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from allauth.account import auth_backends
from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from tenants import places, second_factor
from tenants.actions import operations, users
from tenants.models import MAIL_ON, Instance, User


def is_admitted(user: User) -> bool:
    """Tell whether a person may use the site of this process."""
    return settings.SITE != "admin" or user.is_operator


class AuthenticationBackend(auth_backends.AuthenticationBackend):
    """Read the person of a request with their tenants, and whether one keeps them out."""

    def get_user(self, user_id: Any) -> User | None:
        found = User.objects.annotate(
            has_second_factor=second_factor.exists(), told_places=places.told()
        )
        user = found.filter(pk=user_id).first()
        if user is None or not self.user_can_authenticate(user):
            return None
        user.lacks_second_factor = places.want_second_factor(user) and not user.has_second_factor
        return user


class AccountAdapter(DefaultAccountAdapter):
    """Sign-up only at the tenant site; sign-in at the admin site only for operators."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return settings.SITE == "tenant"

    def save_user(self, request: HttpRequest, user: User, form: Form, commit: bool = True) -> User:
        """Keep the new person together with a tenant of their own."""
        with transaction.atomic():
            super().save_user(request, user, form, commit=commit)
            if commit:
                operations.done(
                    "user.signed_up",
                    by=user,
                    tenant=users.open_tenant(owner=user),
                    object_type="user",
                    object_id=user.pk,
                    object_name=user.email,
                    parameters={"email": user.email},
                )
        return user

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Check the password; only then say that the account is for the other site."""
        user = super().authenticate(request, **credentials)
        if user is not None and not is_admitted(user):
            raise ValidationError(_not_admitted())
        return user

    def pre_login(self, request: HttpRequest, user: User, **told: Any) -> HttpResponse | None:
        """Stop every other way in (a reset password, a confirmed address) for the wrong site."""
        if not is_admitted(user):
            messages.error(request, _not_admitted())
            raise ImmediateHttpResponse(redirect("account_login"))
        return super().pre_login(request, user, **told)

    def clean_email(self, email: str) -> str:
        return super().clean_email(email).strip().lower()

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return "/"

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send a mail that names this installation; links lead to the site it was asked at."""
        context["instance"] = Instance.current().name
        super().send_mail(template_prefix, email, context)


def _not_admitted() -> str:
    return _(
        "This is the administrators' site, and your account is a tenant's. "
        "Sign in at %(address)s instead."
    ) % {"address": settings.TENANT_SITE_URL}


@transaction.atomic
def change_profile(
    *, by: User, name: str, language: str, time_zone: str, mail_on: Collection[str]
) -> None:
    """Keep what a person says of themselves."""
    by.name, by.language, by.time_zone = name, language, time_zone
    by.mail_on = [word for word in MAIL_ON if word in mail_on]
    by.save(update_fields=["name", "language", "time_zone", "mail_on"])
    operations.done(
        "user.changed",
        by=by,
        tenant=by.tenants.first(),
        object_type="user",
        object_id=by.pk,
        object_name=by.email,
        parameters={
            "name": name,
            "language": language,
            "time_zone": time_zone,
            "mail_on": by.mail_on,
        },
    )
