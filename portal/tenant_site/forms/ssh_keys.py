"""A public SSH key for the account."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from fabric import sshkeys


class UnsaidText(forms.Textarea):
    """Never sends back what was pasted: it may be a private key."""

    def format_value(self, value: Any) -> None:
        return None


class SshKeyForm(forms.Form):
    text = forms.CharField(
        label=gettext_lazy("Public key"),
        max_length=sshkeys.LINE_LENGTH,
        help_text=gettext_lazy("The line of a .pub file, such as ~/.ssh/id_ed25519.pub."),
        widget=UnsaidText(attrs={"rows": 3, "spellcheck": "false", "autocomplete": "off"}),
        error_messages={"required": gettext_lazy("Paste a public key.")},
    )
    name = forms.CharField(
        label=gettext_lazy("Name"),
        required=False,
        max_length=80,
        help_text=gettext_lazy("Empty: the key's comment."),
    )

    def clean_text(self) -> sshkeys.SshKey:
        try:
            return sshkeys.read(self.cleaned_data["text"])
        except sshkeys.NoKey as problem:
            raise forms.ValidationError(str(problem))
