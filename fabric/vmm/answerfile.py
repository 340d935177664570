"""Windows answer files (unattend.xml): how set-up is told to join a domain.

The join stands in the component Microsoft-Windows-UnattendedJoin of the pass "specialize". An
answer file of the guest profile is kept as it is around it; what it says of joining is replaced.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import Final
from xml.dom import minidom
from xml.parsers.expat import ExpatError

from defusedxml.minidom import parseString

from fabric.vmm.errors import Invalid

NAMESPACE: Final = "urn:schemas-microsoft-com:unattend"
COMPONENT: Final = "Microsoft-Windows-UnattendedJoin"
SPECIALIZE: Final = "specialize"
_COMPONENT: Final = {
    "name": COMPONENT,
    "processorArchitecture": "amd64",
    "publicKeyToken": "31bf3856ad364e35",
    "language": "neutral",
    "versionScope": "nonSxS",
}
_EMPTY: Final = f'<unattend xmlns="{NAMESPACE}"/>'
# It may name an encoding that the text is not in any more.
_DECLARATION: Final = re.compile(r"\s*<\?xml\s[^>]*\?>")


@dataclass(frozen=True)
class Join:
    """A domain to join, the account that may do it, and the organisational unit ("" is default).

    `account_domain` is the account's own: it may be another one that is trusted.
    """

    domain: str
    account_domain: str
    user: str
    password: str = field(repr=False)
    unit: str = ""


def joining(text: str, join: Join, *, what: str = "answer file") -> str:
    """Return the answer file, a new one for "", with this join in it; Invalid when it is none."""
    document = _parsed(text, what)
    component = _component(document)
    for old in _children(component, "Identification"):
        component.removeChild(old)
    identification = _added(component, "Identification")
    credentials = _added(identification, "Credentials")
    _said(credentials, "Domain", join.account_domain)
    _said(credentials, "Password", encoded(join.password))
    _said(credentials, "Username", join.user)
    _said(identification, "JoinDomain", join.domain)
    if join.unit:
        _said(identification, "MachineObjectOU", join.unit)
    root = document.documentElement
    assert root is not None
    return f'<?xml version="1.0" encoding="utf-8"?>\n{root.toxml()}\n'


def encoded(password: str) -> str:
    """Return a password as Windows set-up hides it: base64 of its UTF-16 with a word behind it.

    That keeps it from eyes and searches, not from readers: the file itself is a secret.
    """
    return base64.b64encode(f"{password}Password".encode("utf-16-le")).decode("ascii")


def _parsed(text: str, what: str) -> minidom.Document:
    source = _DECLARATION.sub("", text.lstrip("\ufeff"), count=1).strip() or _EMPTY
    try:
        document: minidom.Document = parseString(source.encode(), forbid_dtd=True)
    except (ExpatError, ValueError):
        # What the parser says may quote the file. Entities and halves of characters are errors of
        # values.
        raise Invalid(f"The {what} is no well-formed XML, or has a document type.") from None
    root = document.documentElement
    if root is None or root.localName != "unattend":
        raise Invalid(f"The {what} is no answer file: its first element is not unattend.")
    return document


def _component(document: minidom.Document) -> minidom.Element:
    """The component of the join in the pass where it belongs, made where it lacks."""
    root = document.documentElement
    assert root is not None
    passes = [e for e in _children(root, "settings") if e.getAttribute("pass") == SPECIALIZE]
    # A component belongs to an answer file once; one for another processor is another one.
    for settings in passes:
        for component in _children(settings, "component"):
            if component.getAttribute("name") == COMPONENT:
                return component
    if passes:
        settings = passes[0]
    else:
        settings = _added(root, "settings")
        settings.setAttribute("pass", SPECIALIZE)
    component = _added(settings, "component")
    for name, value in _COMPONENT.items():
        component.setAttribute(name, value)
    return component


def _children(element: minidom.Element, name: str) -> list[minidom.Element]:
    return [
        child
        for child in element.childNodes
        if isinstance(child, minidom.Element) and child.localName == name
    ]


def _added(parent: minidom.Element, name: str) -> minidom.Element:
    """A new last child in the parent's own namespace, and under its prefix."""
    document = parent.ownerDocument
    assert document is not None
    prefix = f"{parent.prefix}:" if parent.prefix else ""
    child = document.createElementNS(parent.namespaceURI, f"{prefix}{name}")
    parent.appendChild(child)
    return child


def _said(parent: minidom.Element, name: str, value: str) -> None:
    document = parent.ownerDocument
    assert document is not None
    _added(parent, name).appendChild(document.createTextNode(value))
