"""Register SPF endpoints and their VMM servers.

The one place where a request talks to a fabric: the purpose of registering is to test. The
endpoint's time-out bounds it, and nothing is stored unless the test went well.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from cryptography import x509
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fabric import registry, tasks
from fabric.durable.nudge import nudge
from fabric.errors import RegistrationFailed
from fabric.models import Provider, Stamp
from fabric.providers.errors import ProviderFault
from fabric.sync import stamps
from tenants.actions import operations
from tenants.errors import Conflicting, Refused
from tenants.models import User

FIELD = {
    "unreachable": "url",
    "not_spf": "url",
    "certificate": "authority_pem",
    "credentials": "password",
    "rights": "username",
}


def register(
    *, by: User, name: str, url: str, username: str, password: str, authority_pem: str = ""
) -> Provider:
    """Store an endpoint that answered as it should; RegistrationFailed says why it did not."""
    provider = Provider(
        name=name.strip(),
        url=_clean_url(url),
        username=username.strip(),
        authority_pem=_clean_authority(authority_pem),
    )
    if Provider.objects.filter(url=provider.url).exists():
        raise Conflicting(_("This endpoint is registered already."), field="url")
    provider.seal_password(password)
    told = {"name": provider.name, "url": provider.url, "username": provider.username}
    operation_id = operations.started(
        "provider.register",
        by=by,
        object_type="provider",
        object_id=provider.pk,
        object_name=provider.name,
        parameters=told,
    )
    try:
        client = registry.provider_for(provider)
        abilities = sorted(client.check())
        known = [{"id": str(stamp.id), "name": stamp.name} for stamp in client.stamps()]
    except ProviderFault as fault:
        operations.failed(operation_id, fault.message)
        raise RegistrationFailed(
            f"{fault.message} {fault.advice}".strip(),
            field=FIELD.get(fault.code, "url"),
            code=fault.code,
        ) from fault
    provider.capabilities = {"abilities": abilities, "stamps": known}
    provider.seen_at = timezone.now()
    try:
        with transaction.atomic():
            provider.save(force_insert=True)
            operations.succeeded(operation_id)
    except IntegrityError as error:
        operations.failed(operation_id, "registered already")
        raise Conflicting(_("This endpoint is registered already."), field="url") from error
    return provider


def register_stamp(*, by: User, provider: Provider, name: str, friendly_name: str) -> Stamp:
    """Register a VMM server with the endpoint, or take up one it knows, and begin to read it."""
    name, friendly_name = name.strip(), friendly_name.strip()
    if Stamp.objects.filter(friendly_name__iexact=friendly_name).exists():
        raise Conflicting(
            _("Another VMM server is called “%(name)s”.") % {"name": friendly_name},
            field="friendly_name",
        )
    operation_id = operations.started(
        "stamp.register",
        by=by,
        object_type="stamp",
        object_name=friendly_name,
        parameters={"endpoint": provider.name, "server": name, "friendly_name": friendly_name},
    )
    try:
        remote = registry.provider_for(provider).ensure_stamp(name)
    except ProviderFault as fault:
        operations.failed(operation_id, fault.message)
        raise RegistrationFailed(
            f"{fault.message} {fault.advice}".strip(), field="name", code=fault.code
        ) from fault
    try:
        with transaction.atomic():
            stamp = Stamp.objects.create(
                id=remote.id, provider=provider, name=remote.name, friendly_name=friendly_name
            )
            operations.succeeded(operation_id)
    except IntegrityError as error:
        operations.failed(operation_id, "registered already")
        raise Conflicting(
            _("The VMM server %(name)s is registered already.") % {"name": name}, field="name"
        ) from error
    refresh(by=by, provider=provider)
    return stamp


def refresh(*, by: User, provider: Provider) -> None:
    """Read the endpoint's stamps now rather than at their next turn."""
    for stamp_id in stamps.soon(provider):
        nudge(tasks.sync_stamp, stamp_id)


def _clean_url(url: str) -> str:
    """Return scheme, host and port only: the rest is SPF's own business."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as error:
        raise Refused(
            _("This is no address. Example: https://spf.example.net:8090"), field="url"
        ) from error
    if parts.scheme != "https" or not parts.hostname:
        raise Refused(
            _("Give the address with https, as https://spf.example.net:8090"), field="url"
        )
    if parts.username or parts.password:
        raise Refused(_("Give the account below, not in the address."), field="url")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"https://{host}:{port or 8090}"


def _clean_authority(pem: str) -> str:
    pem = pem.strip()
    if pem:
        try:
            x509.load_pem_x509_certificates(pem.encode())
        except ValueError as error:
            raise Refused(
                _("This is no certificate in PEM form (-----BEGIN CERTIFICATE-----)."),
                field="authority_pem",
            ) from error
    return pem
