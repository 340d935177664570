"""allauth's forms in our words: codes, passkeys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as base
from allauth.mfa.totp import forms as totp
from allauth.mfa.webauthn import forms as webauthn
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy

LONGEST_CODE = 20
_CODE = {"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false"}


def _code(label: Any, help_text: Any = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=help_text,
        max_length=LONGEST_CODE,
        widget=forms.TextInput(attrs=_CODE),
    )


def _guarded(read: Callable[[], Any]) -> Any:
    """Read a credential; whatever a made-up one breaks in the parsers is just a wrong one."""
    try:
        return read()
    except ValidationError:
        raise
    except Exception:
        raise get_adapter().validation_error("incorrect_code")


class AuthenticateForm(base.AuthenticateForm):
    code = _code(
        gettext_lazy("Code"), gettext_lazy("From your authenticator app, or a recovery code.")
    )


class ReauthenticateForm(base.ReauthenticateForm):
    code = _code(
        gettext_lazy("Code"), gettext_lazy("From your authenticator app, or a recovery code.")
    )


class ActivateTOTPForm(totp.ActivateTOTPForm):
    code = _code(gettext_lazy("Code the app shows"))


class AddPasskeyForm(webauthn.AddWebAuthnForm):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=60,
        required=False,
        help_text=gettext_lazy("Tells it from your others: the telephone, the key on the ring."),
    )
    passwordless = forms.BooleanField(
        label=gettext_lazy("Sign in with it alone, without the password"),
        required=False,
        initial=True,
        help_text=gettext_lazy("It asks for your finger, face or PIN instead."),
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = _guarded(super().clean)
        return cleaned


class AuthenticatePasskeyForm(webauthn.AuthenticateWebAuthnForm):
    def clean_credential(self) -> Any:
        return _guarded(super().clean_credential)


class LoginPasskeyForm(webauthn.LoginWebAuthnForm):
    def clean_credential(self) -> Any:
        return _guarded(super().clean_credential)


class ReauthenticatePasskeyForm(webauthn.ReauthenticateWebAuthnForm):
    def clean_credential(self) -> Any:
        return _guarded(super().clean_credential)


class EditPasskeyForm(webauthn.EditWebAuthnForm):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=60)
