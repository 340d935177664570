"""Register an SPF endpoint, and a VMM server behind it; change both."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.utils.translation import gettext_lazy as _

from fabric.actions import providers
from fabric.models import Provider

AUTHORITY_SIZE = 64 * 1024


class ProviderForm(forms.Form):
    """An SPF address and the account the portal uses there."""

    name = forms.CharField(
        label=_("Name"), max_length=80, help_text=_("What you call this endpoint.")
    )
    url = forms.CharField(
        label=_("Service URL"),
        max_length=300,
        widget=forms.URLInput(
            attrs={"placeholder": "https://spf.example.com:8090/", "spellcheck": "false"}
        ),
        help_text=_("Where Service Provider Foundation answers. It begins with https://."),
    )
    username = forms.CharField(
        label=_("User name"),
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=_(
            "A local account of the SPF server, member of SPF_Admin, SPF_VMM, SPF_Provider and "
            "SPF_Usage. No domain or computer name before it."
        ),
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    authority_pem = forms.CharField(
        label=_("Certificate authority"),
        required=False,
        widget=forms.Textarea(
            attrs={
                "rows": 5,
                "spellcheck": "false",
                "placeholder": "-----BEGIN CERTIFICATE-----",
            }
        ),
        help_text=_("Only if a private authority signed the server’s certificate: paste it (PEM)."),
    )
    authority_file = forms.FileField(
        label=_("… or choose its file"),
        required=False,
        widget=forms.FileInput(attrs={"accept": ".pem,.crt,.cer"}),
    )

    def clean_url(self) -> str:
        url = self.cleaned_data["url"].strip()
        try:
            parts = urlsplit(url)
            usable = bool(parts.hostname) and (parts.port is None or parts.port > 0)
        except ValueError:
            usable = False
        if not usable or parts.scheme != "https":
            raise forms.ValidationError(_("Give the whole address, beginning with https://."))
        if parts.username or parts.password:
            raise forms.ValidationError(_("User name and password have their own fields."))
        return url

    def clean_username(self) -> str:
        username: str = self.cleaned_data["username"]
        if "\\" in username:
            raise forms.ValidationError(
                _("Leave out the domain or computer name before the backslash.")
            )
        return username

    def clean_authority_file(self) -> str:
        """Return the file's text; it may be nothing but a certificate."""
        upload = self.cleaned_data["authority_file"]
        if not upload:
            return ""
        try:
            text = upload.read(AUTHORITY_SIZE).decode("ascii")
        except UnicodeDecodeError:
            text = ""
        if "-----BEGIN CERTIFICATE-----" not in text:
            raise forms.ValidationError(_("The file holds no certificate in PEM form."))
        return str(text)

    def clean(self) -> dict[str, Any]:
        typed = super().clean() or {}
        text = typed.pop("authority_file", "")
        typed["authority_pem"] = (typed.get("authority_pem") or text).strip()
        return typed


class ProviderChangeForm(ProviderForm):
    """The same of a registered one. `seen` is the version that was looked at."""

    seen = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64)

    def __init__(self, *args: Any, provider: Provider, **kwargs: Any) -> None:
        kept = {name: getattr(provider, name) for name in ("name", "url", "username")}
        kept |= {"authority_pem": provider.authority_pem, "seen": providers.version(provider)}
        super().__init__(*args, initial=kept, **kwargs)
        self.fields["password"].required = False
        self.fields["password"].help_text = _(
            "Left empty, the stored one stays. Another host needs it typed again."
        )
        self.fields["authority_pem"].help_text = _(
            "Of the private authority that signed the server’s certificate (PEM). Empty it when a "
            "public one did."
        )
        self.fields["authority_file"].help_text = _("It takes the place of the text above.")

    def clean(self) -> dict[str, Any]:
        text = (self.cleaned_data or {}).get("authority_file", "")
        typed = super().clean()
        # The text is there already when the form opens, so a file was chosen on purpose.
        return typed | {"authority_pem": text.strip()} if text else typed


class StampNameForm(forms.Form):
    """What people call a VMM server."""

    friendly_name = forms.CharField(
        label=_("Friendly name"),
        max_length=80,
        help_text=_("Used everywhere instead of the server name. Tenants see it too."),
    )


class StampForm(StampNameForm):
    """A VMM server, by its full name, and the name people see."""

    field_order = ("name", "friendly_name")

    name = forms.RegexField(
        r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$",
        label=_("VMM server"),
        max_length=200,
        widget=forms.TextInput(attrs={"placeholder": "vmm.example.com", "spellcheck": "false"}),
        error_messages={"invalid": _("Give a server name, such as vmm.example.com.")},
        help_text=_("Its fully qualified name, as the SPF server reaches it."),
    )
