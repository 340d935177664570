"""Issuers whose tokens tenants come with."""

from __future__ import annotations

import base64
import binascii
from uuid import UUID, uuid4

from django.db import transaction

from fabric.odata.errors import BadRequest
from fabric.spf.actions.names import checked_name, unless_taken
from fabric.spf.models import Tenant, TrustedIssuer
from fabric.vmm.actions.fields import require_unused


def create_issuer(name: str, key: str, id: UUID | None = None) -> TrustedIssuer:
    """Trust an issuer by its certificate; raises Conflict."""
    issuer = TrustedIssuer(id=id or uuid4(), name=checked_name(name), key=_certificate(key))
    with unless_taken("There is a trusted issuer with this name or ID already."):
        issuer.save(force_insert=True)
    return issuer


def change_issuer(issuer: TrustedIssuer, name: str | None = None, key: str | None = None) -> None:
    """Change what is given; tenants that name the issuer follow it."""
    with transaction.atomic():
        held = TrustedIssuer.objects.select_for_update().get(pk=issuer.pk)
        before = held.name
        held.name = before if name is None else checked_name(name)
        held.key = held.key if key is None else _certificate(key)
        with unless_taken("There is a trusted issuer with this name already."):
            held.save(update_fields=["name", "key"])
        Tenant.objects.filter(issuer_name__iexact=before).update(issuer_name=held.name)


def remove_issuer(issuer: TrustedIssuer) -> None:
    """Trust an issuer no more; raises Conflict while tenants come with its tokens."""
    with transaction.atomic():
        held = TrustedIssuer.objects.select_for_update().get(pk=issuer.pk)
        using = Tenant.objects.filter(issuer_name__iexact=held.name).order_by("name")
        require_unused(f"The trusted issuer {held}", ("tenants", using))
        held.delete()


def _certificate(key: str) -> str:
    packed = "".join(key.split())
    try:
        known = bool(base64.b64decode(packed, validate=True))
    except (binascii.Error, ValueError):
        known = False
    if not known:
        raise BadRequest("The parameter Key is the issuer's public certificate in Base64.")
    return packed
