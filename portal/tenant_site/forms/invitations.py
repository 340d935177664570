"""Opening an account by the link of an invitation."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy


class JoinForm(forms.Form):
    """The address is the invited one: the mailed link has proven it."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=120,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        max_length=128,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
