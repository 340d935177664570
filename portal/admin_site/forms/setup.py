"""The first form anybody sees."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

NEW_PASSWORD = forms.PasswordInput(attrs={"autocomplete": "new-password"})


class SetUpForm(forms.Form):
    """Names this installation, makes its first administrator, seals its configuration."""

    code = forms.CharField(
        label=_("Set-up code"),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=_("The server printed it when it started. It works once."),
    )
    instance_name = forms.CharField(
        label=_("Name of this cloud"),
        max_length=60,
        initial="Katal",
        help_text=_("Stands at the top of every page and in every mail."),
    )
    email = forms.EmailField(
        label=_("Your e-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username"}),
        help_text=_("You sign in with it, as the first administrator."),
    )
    password = forms.CharField(label=_("Password"), strip=False, widget=NEW_PASSWORD)
    password_again = forms.CharField(label=_("Password again"), strip=False, widget=NEW_PASSWORD)
    passphrase = forms.CharField(
        label=_("Passphrase"),
        strip=False,
        widget=NEW_PASSWORD,
        help_text=_("A sentence of several words is easier to keep than a short riddle."),
    )
    passphrase_again = forms.CharField(
        label=_("Passphrase again"), strip=False, widget=NEW_PASSWORD
    )

    def clean(self) -> dict[str, Any]:
        typed = super().clean() or {}
        for name in ("password", "passphrase"):
            again = typed.pop(f"{name}_again", None)
            if again is not None and name in typed and typed[name] != again:
                self.add_error(f"{name}_again", _("The two do not match."))
        return typed
