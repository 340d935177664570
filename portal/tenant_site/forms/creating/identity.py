"""Fifth step: who the machines are. Names, administrator, keys, domain, what they first read."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabric import abilities, domainjoin, rules, sshkeys, userdata, windows
from fabric.orders import DomainJoin, Guest
from fabric.providers.abilities import DOMAIN_OU, SSH_KEYS, USER_DATA
from portal.tenant_site.forms.creating.base import (
    About,
    NeededText,
    StepForm,
    UnsaidInput,
    UnsaidText,
)

MOST_MACHINES = 20
PLAIN = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
AS_TEMPLATE, WORKGROUP, DOMAIN = "template", "workgroup", "domain"
MEMBERSHIPS = (
    (AS_TEMPLATE, gettext_lazy("As the template says")),
    (WORKGROUP, gettext_lazy("A workgroup")),
    (DOMAIN, gettext_lazy("A domain")),
)
FOR_LINUX = ("account_keys", "ssh_keys", "keep_keys")
FOR_WINDOWS = (
    *("product_key", "time_zone", "membership", "workgroup"),
    *("domain", "account_domain", "domain_user", "domain_password", "ou"),
)
_LINUX_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}\Z")
_NO_WINDOWS_USER = re.compile(r'["/\\\[\]:;|=,+*?<>@]')
# The fields of a domain join: here, and as `domainjoin` calls them.
JOINING = {
    "domain": "domain",
    "account_domain": "account_domain",
    "domain_user": "user",
    "domain_password": "password",
    "ou": "ou",
}


def _hidden_text(label: Any, help_text: Any = "", *, required: bool = False) -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=help_text,
        required=required,
        strip=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={"required": gettext_lazy("Set a password.")},
    )


def _text(
    label: Any, help_text: Any = "", length: int = 255, *, needed: bool = False
) -> forms.CharField:
    return (NeededText if needed else forms.CharField)(
        label=label,
        help_text=help_text,
        required=needed,
        max_length=length,
        widget=forms.TextInput(attrs=dict(PLAIN)),
    )


class IdentityForm(StepForm):
    secret = ("password", "product_key", "domain_password", "user_data")

    count = forms.IntegerField(
        label=gettext_lazy("Number of machines"),
        min_value=1,
        max_value=MOST_MACHINES,
        error_messages={"required": gettext_lazy("Say how many.")},
    )
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=rules.NAME_LENGTH,
        widget=forms.TextInput(attrs=dict(PLAIN)),
        error_messages={"required": gettext_lazy("Give the machine a name.")},
    )
    description = forms.CharField(
        label=gettext_lazy("Description"), required=False, max_length=2000
    )
    computer_name = _text(
        gettext_lazy("Computer name"),
        gettext_lazy("As the machine calls itself. Empty: the template decides, mostly its name."),
        rules.NAME_LENGTH,
    )
    admin_user = _text(gettext_lazy("User name"), length=32)
    password = _hidden_text(
        gettext_lazy("Password"),
        gettext_lazy(
            "At least 8 characters with three of: small letters, capitals, digits, other "
            "characters. It is not shown again: keep it."
        ),
        required=True,
    )
    account_keys = forms.MultipleChoiceField(
        label=gettext_lazy("SSH keys of your account"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "invalid_choice": gettext_lazy("A key that was chosen is not in your account any more.")
        },
    )
    ssh_keys = forms.CharField(
        label=gettext_lazy("Other SSH keys"),
        required=False,
        max_length=20_000,
        help_text=gettext_lazy("Public keys, one a line, as in id_ed25519.pub."),
        widget=forms.Textarea(attrs=PLAIN | {"rows": 3}),
    )
    keep_keys = forms.BooleanField(
        label=gettext_lazy("Keep these keys in my account"), required=False
    )
    product_key = forms.CharField(
        label=gettext_lazy("Product key"),
        help_text=gettext_lazy("Empty: the template's own."),
        required=False,
        max_length=29,
        widget=UnsaidInput(attrs=dict(PLAIN)),
    )
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        required=False,
        choices=[("", gettext_lazy("As the template says")), *windows.TIME_ZONES.items()],
    )
    membership = forms.ChoiceField(
        label=gettext_lazy("Belongs to"), choices=MEMBERSHIPS, widget=forms.RadioSelect
    )
    workgroup = _text(gettext_lazy("Workgroup"), length=windows.WORKGROUP_LENGTH, needed=True)
    domain = _text(
        gettext_lazy("Domain to join"),
        gettext_lazy("Its full DNS name, such as corp.example.net."),
        needed=True,
    )
    account_domain = _text(
        gettext_lazy("Domain of the account"),
        gettext_lazy("Its short (NetBIOS) name, such as CORP; may be another, trusted domain."),
        needed=True,
    )
    domain_user = _text(
        gettext_lazy("Account"),
        gettext_lazy("Who may join machines to the domain: the short name, such as joiner."),
        needed=True,
    )
    domain_password = _hidden_text(gettext_lazy("Password of the account"))
    ou = _text(
        gettext_lazy("Organisational unit"),
        gettext_lazy(
            "Where the computer's object is made: OU=Servers,DC=corp,DC=example,DC=net. "
            "Empty: where the domain puts new computers."
        ),
        length=domainjoin.OU_LENGTH,
    )
    user_data = forms.CharField(
        label=gettext_lazy("User data"),
        required=False,
        strip=False,
        max_length=userdata.MOST_BYTES * 2,
        help_text=gettext_lazy(
            "What the machine reads when it first starts: #cloud-config, or a script that begins "
            "with #!. At most 16 KB."
        ),
        widget=UnsaidText(attrs=PLAIN | {"rows": 6}),
    )

    @classmethod
    def first(cls, about: About) -> dict[str, Any]:
        user = "Administrator" if about.is_windows else "root"
        return {"count": 1, "admin_user": user, "membership": AS_TEMPLATE}

    def prepare(self) -> None:
        for name in FOR_LINUX if self.about.is_windows else FOR_WINDOWS:
            del self.fields[name]
        self.fields["name"].help_text = _(
            "Letters, digits and hyphens, at most %(n)d characters. Several machines: put # where "
            "the number goes, as in web##."
        ) % {"n": rules.WINDOWS_NAME_LENGTH if self.about.is_windows else rules.NAME_LENGTH}
        if not self.about.is_windows:
            self._offer_keys()
        for ability, name in ((USER_DATA, "user_data"), (DOMAIN_OU, "ou"), (SSH_KEYS, "ssh_keys")):
            self._close(ability, name)

    def _offer_keys(self) -> None:
        is_chosen = "account_keys" in (self.typed or ())
        mine = self.about.keys if self.is_shown or is_chosen else {}
        if mine:
            self.fields["account_keys"].choices = [
                (pk, f"{key.name} ({key.fingerprint[:20]}…)") for pk, key in mine.items()
            ]
        else:
            del self.fields["account_keys"]
        self.fields["password"].required = False
        self.fields["password"].help_text = _("Not needed with an SSH key. %(rule)s") % {
            "rule": self.fields["password"].help_text
        }

    def _close(self, ability: str, name: str) -> None:
        """Close a field whose value the plan's cloud would not take, and say why."""
        provider = self.about.offer.offering.cloud.stamp.provider
        reason = abilities.why_not(provider, ability)
        if reason and name in self.fields:
            self.fields[name].disabled, self.fields[name].help_text = True, reason
            for also in ("account_keys", "keep_keys") if name == "ssh_keys" else ():
                self.fields.pop(also, None)

    def clean_product_key(self) -> str:
        key = str(self.cleaned_data["product_key"]).strip().upper()
        _refuse(windows.product_key_problem(key) if key else None)
        return key

    def clean_user_data(self) -> str:
        text = str(self.cleaned_data["user_data"]).replace("\r\n", "\n")
        _refuse(userdata.problem(text))
        return text if text.strip() else ""

    def clean_password(self) -> str:
        password = str(self.cleaned_data["password"])
        _refuse(rules.password_problem(password) if password else None)
        return password

    def clean_admin_user(self) -> str:
        user = str(self.cleaned_data["admin_user"])
        if not user:
            return str(self.first(self.about)["admin_user"])
        if self.about.is_windows:
            bad = len(user) > windows.USER_LENGTH or bool(_NO_WINDOWS_USER.search(user))
            told = _("At most 20 characters, and none of these: %(these)s") % {
                "these": '" / \\ [ ] : ; | = , + * ? < > @'
            }
        else:
            bad = not _LINUX_USER.match(user)
            told = _("Small letters, digits, hyphens and underscores; a letter first.")
        _refuse(told if bad else None)
        return user

    def clean_ssh_keys(self) -> list[sshkeys.SshKey]:
        try:
            return sshkeys.read_all(self.cleaned_data["ssh_keys"])
        except sshkeys.NoKey as problem:
            raise forms.ValidationError(str(problem))

    def full_clean(self) -> None:
        """Say user data once more only where they themselves must be put right."""
        super().full_clean()
        self.fields["user_data"].widget.is_said = "user_data" in self._errors

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "name" in cleaned and "count" in cleaned:
            self._check_names()
        if not self.about.is_windows:
            keys = cleaned.get("ssh_keys") or cleaned.get("account_keys")
            told = "password" in self.errors or "ssh_keys" in self.errors
            if not (keys or told or self.secret_of("password")):
                self.add_error("password", _("Set a password, or give an SSH key."))
        elif cleaned.get("membership") == WORKGROUP:
            name = str(cleaned.get("workgroup") or "")
            problem = windows.workgroup_problem(name) if name else _("Name the workgroup.")
            if problem:
                self.add_error("workgroup", problem)
        elif cleaned.get("membership") == DOMAIN:
            self._check_domain()
        return cleaned

    def _check_names(self) -> None:
        count, system = self.cleaned_data["count"], self._system
        try:
            names = self.names()
        except ValueError as refused:
            self.add_error("name", str(refused))
            return
        problem = _first_problem(names, system)
        if problem:
            self.add_error("name", problem)
        computer = str(self.cleaned_data.get("computer_name") or "")
        if computer and (told := self._computer_problem(computer, count)):
            self.add_error("computer_name", told)
        if count > 1 and self.about.fixed:
            self.add_error(
                "count",
                _("Several machines cannot share the fixed address %(address)s.")
                % {"address": self.about.fixed[0]},
            )

    def _computer_problem(self, computer: str, count: int) -> str | None:
        """Return what is wrong with the computer's name, a pattern where there are several."""
        many = count > 1 or "#" in computer
        try:
            names = rules.pattern_names(computer, count) if many else [computer]
        except ValueError as problem:
            return str(problem)
        return _first_problem(names, self._system)

    def _check_domain(self) -> None:
        said = {
            theirs: str(self.cleaned_data.get(ours) or "").strip()
            for ours, theirs in JOINING.items()
        }
        said["password"] = self.secret_of("domain_password")
        told = domainjoin.problems(**said)
        for ours, theirs in JOINING.items():
            if theirs in told and ours not in self.errors:
                self.add_error(ours, told[theirs])

    @property
    def _system(self) -> str:
        return self.about.template.os_type if self.about.template else ""

    def names(self) -> list[str]:
        """Return the names there will be; raises ValueError that says why there are none."""
        name, count = self.cleaned_data["name"], self.cleaned_data["count"]
        return rules.pattern_names(name, count) if count > 1 or "#" in name else [name]

    def keys(self) -> tuple[str, ...]:
        """Return the SSH keys, each once; for a form without errors."""
        chosen = [self.about.keys[pk] for pk in self.cleaned_data.get("account_keys") or ()]
        typed = self.cleaned_data.get("ssh_keys") or ()
        held = {key.fingerprint: key.text for key in (*chosen, *typed)}
        return tuple(held.values())

    def guest(self) -> Guest:
        """Return who the guest will be; for a form without errors."""
        said = self.cleaned_data
        common = {
            "computer_name": said["computer_name"],
            "admin_user": said["admin_user"],
            "password": self.secret_of("password"),
            "user_data": self.secret_of("user_data"),
        }
        if not self.about.is_windows:
            return Guest(**common, ssh_keys=self.keys())
        return Guest(
            **common,
            product_key=self.secret_of("product_key"),
            time_zone=said["time_zone"],
            workgroup=said["workgroup"] if said["membership"] == WORKGROUP else "",
            domain_join=self._join() if said["membership"] == DOMAIN else None,
        )

    def _join(self) -> DomainJoin:
        said = self.cleaned_data
        return DomainJoin(
            domain=said["domain"].strip(),
            account_domain=said["account_domain"].strip(),
            user=said["domain_user"].strip(),
            password=self.secret_of("domain_password"),
            ou=said["ou"].strip(),
        )


def _first_problem(names: list[str], system: str) -> str | None:
    return next(filter(None, (rules.name_problem(name, system) for name in names)), None)


def _refuse(problem: str | None) -> None:
    if problem:
        raise forms.ValidationError(problem)
