"""What may be said of a domain that a machine shall join while it is set up (features D019–D024).

Plain values in; what is wrong with each of them out, by the names of `orders.DomainJoin`'s fields.
The account may be of another domain than the one joined, as long as that one trusts it.
"""

from __future__ import annotations

import re

from django.utils.translation import gettext as _

DOMAIN_LENGTH = 255
NETBIOS_LENGTH = 15
USER_LENGTH = 20
PASSWORD_LENGTH = 127
OU_LENGTH = 1024

_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\Z")
_NO_NETBIOS = re.compile(r'[\\/:*?"<>|\s]')
_NO_USER = re.compile(r'["/\\\[\]:;|=,+*?<>@]')
# A comma parts the names of a path unless a backslash stands before it.
_PARTS = re.compile(r"(?:\\.|[^,\\])+")
_KINDS = ("OU", "CN", "DC")


def problems(
    *, domain: str, account_domain: str, user: str, password: str, ou: str = ""
) -> dict[str, str]:
    """Return what is wrong, by field; nothing when the machine may try to join."""
    told = {
        "domain": domain_problem(domain),
        "account_domain": account_domain_problem(account_domain),
        "user": user_problem(user),
        "password": password_problem(password),
        # What is no domain has no units to compare with.
        "ou": ou_problem(ou, "" if domain_problem(domain) else domain),
    }
    return {field: problem for field, problem in told.items() if problem}


def domain_problem(domain: str) -> str | None:
    """Return what is wrong with the domain to join: it is named in full, as DNS knows it."""
    if not domain:
        return _("Name the domain to join.")
    labels = domain.split(".")
    if len(labels) < 2:
        return _("Give the domain's full DNS name, such as corp.example.net.")
    is_name = len(domain) <= DOMAIN_LENGTH and all(map(_LABEL.match, labels))
    if not is_name or labels[-1].isdigit():
        return _("This is no DNS name: letters, digits and hyphens, parted by dots.")
    return None


def account_domain_problem(name: str) -> str | None:
    """Return what is wrong with the NetBIOS name of the account's domain; any domain will do."""
    if not name:
        return _("Name the domain of the account.")
    if "." in name:
        return _("Give the domain's short (NetBIOS) name, such as CORP, not its DNS name.")
    if len(name) > NETBIOS_LENGTH:
        return _("A NetBIOS name has at most %(n)d characters.") % {"n": NETBIOS_LENGTH}
    if _NO_NETBIOS.search(name) or not name.isprintable():
        return _("A NetBIOS name has no spaces and none of these: %(these)s") % {
            "these": r'\ / : * ? " < > |'
        }
    return None


def user_problem(user: str) -> str | None:
    """Return what is wrong with the account's name, which is the short NT style one."""
    if not user:
        return _("Name the account that may join machines to the domain.")
    if "\\" in user or "/" in user:
        return _("Give the name alone: its domain has a field of its own.")
    if "@" in user:
        return _("Give the short name, such as joiner, not joiner@example.net.")
    if len(user) > USER_LENGTH:
        return _("At most %(n)d characters: the account's name in the NT style.") % {
            "n": USER_LENGTH
        }
    if _NO_USER.search(user) or not user.isprintable() or not user.strip(". "):
        return _("An account's name has none of these: %(these)s") % {
            "these": '" / \\ [ ] : ; | = , + * ? < > @'
        }
    return None


def password_problem(password: str) -> str | None:
    """Return what is wrong with the account's password; its strength is its owner's business."""
    if not password:
        return _("Give the account's password.")
    if len(password) > PASSWORD_LENGTH:
        return _("At most %(n)d characters.") % {"n": PASSWORD_LENGTH}
    if not password.isprintable():
        return _("Use printable characters only.")
    return None


def ou_problem(ou: str, domain: str = "") -> str | None:
    """Return what is wrong with the place of the computer's object in the directory.

    Empty is fine: the object goes where the domain puts new computers. A container cannot hold it:
    the join would end with error 0x2.
    """
    if not ou:
        return None
    if len(ou) > OU_LENGTH or not ou.isprintable():
        return _("At most %(n)d printable characters.") % {"n": OU_LENGTH}
    parts = [_named(part) for part in _PARTS.findall(ou)]
    if None in parts or ou.count(",") - ou.count("\\,") != len(parts) - 1:
        return _("Give a distinguished name, such as OU=Servers,DC=corp,DC=example,DC=net.")
    kinds = [part[0] for part in parts if part]
    if kinds[0] == "CN":
        return _(
            "This is a container, not an organisational unit: a computer's object cannot be made "
            "in it. Name a unit (OU=…), or leave this empty for the domain's default."
        )
    if kinds[0] != "OU":
        return _("Begin with the unit itself: OU=….")
    units = [kind for kind in kinds if kind != "DC"]
    if len(units) == len(kinds) or kinds != units + ["DC"] * (len(kinds) - len(units)):
        return _("End with the domain: DC=corp,DC=example,DC=net.")
    within = ".".join(part[1] for part in parts if part and part[0] == "DC")
    if domain and within.lower() != domain.lower():
        return _("This unit is in %(within)s, not in the domain to join.") % {"within": within}
    return None


def _named(part: str) -> tuple[str, str] | None:
    """Return kind and name of one part of a path, None when it is none."""
    kind, sign, name = part.strip().partition("=")
    kind, name = kind.strip().upper(), name.strip()
    return (kind, name) if sign and name and kind in _KINDS else None
