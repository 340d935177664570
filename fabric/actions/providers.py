"""Register SPF endpoints and their VMM servers, change them, forget them.

The one place where a request talks to a fabric: the purpose of registering is to test. The
endpoint's time-out bounds it, and nothing is stored unless the test went well.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from fabric import registry, tasks
from fabric.actions import endpoints
from fabric.durable.nudge import nudge
from fabric.durable.states import LIVE
from fabric.errors import RegistrationFailed
from fabric.models import Job, Machine, Offering, Provider, Stamp
from fabric.providers.base import RemoteStamp
from fabric.providers.errors import ProviderFault
from fabric.states import GONE
from fabric.sync import stamps
from fabric.vault.errors import VaultError
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
# What makes up a registration; whatever else stands on the row was read from the endpoint.
REGISTERED = ("name", "url", "username", "password_sealed", "authority_pem")
FOUND = (
    *("capabilities", "abilities_read_at", "seen_at", "away_since", "problem"),
    *("account_check", "checked_at"),
)


def register(
    *, by: User, name: str, url: str, username: str, password: str, authority_pem: str = ""
) -> Provider:
    """Store an endpoint that answered as it should; RegistrationFailed says why it did not."""
    provider = Provider(
        name=name.strip(),
        url=endpoints.clean_url(url),
        username=username.strip(),
        authority_pem=endpoints.clean_authority(authority_pem),
    )
    _require_free(provider)
    _seal(provider, password)
    told = {"name": provider.name, "url": provider.url, "username": provider.username}
    operation_id = _started("provider.register", by, provider, told)
    _test(provider, operation_id)
    try:
        with transaction.atomic():
            provider.save(force_insert=True)
            operations.succeeded(operation_id)
    except IntegrityError as error:
        raise _taken(operation_id) from error
    check_account(by=by, provider=provider)
    return provider


def version(provider: Provider) -> str:
    """Return what a form about an endpoint is opened with: another one after every change."""
    said = "\0".join(getattr(provider, name) for name in REGISTERED)
    return salted_hmac("provider-version", said).hexdigest()[:32]


def change(
    *,
    by: User,
    provider: Provider,
    name: str,
    url: str,
    username: str,
    password: str = "",
    authority_pem: str = "",
    seen: str = "",
) -> Provider:
    """Store another address or account that answered as it should; a name needs no answer.

    An empty password keeps the stored one. Stamps, machines, plans and jobs stay as they are, so
    an SPF that does not know all registered VMM servers is refused. `seen` is the version the
    person had before them: who comes second is told.
    """
    if seen and seen != version(provider):
        raise _overtaken()
    wanted = Provider(
        pk=provider.pk,
        name=name.strip(),
        url=endpoints.clean_url(url),
        username=username.strip(),
        password_sealed=provider.password_sealed,
        authority_pem=endpoints.clean_authority(authority_pem),
    )
    if password:
        _seal(wanted, password)
    elif endpoints.host_of(wanted.url) != endpoints.host_of(provider.url):
        # Whoever may change an address could otherwise have the password sent to their own.
        raise Refused(
            _("Type the password again: the stored one is sent to no other host."),
            field="password",
        )
    changed = [each for each in REGISTERED if getattr(wanted, each) != getattr(provider, each)]
    if not changed:
        return provider
    _require_free(wanted)
    operation_id = _started("provider.change", by, provider, _difference(provider, wanted, changed))
    if changed != ["name"]:
        _require_servers(provider, _test(wanted, operation_id), operation_id)
        changed += FOUND
    return _store(provider, wanted, changed, operation_id)


def uses(provider: Provider) -> dict[str, Any]:
    """Return what holds a registration: names of machines and plans, and how many jobs go on."""
    held = Machine.objects.filter(stamp__provider=provider).exclude(state__in=GONE)
    offered = Offering.objects.filter(cloud__stamp__provider=provider)
    return {
        "machines": list(held.order_by("name").values_list("name", flat=True)),
        "plans": sorted(set(offered.values_list("plan__name", flat=True))),
        "jobs": Job.objects.filter(stamp__provider=provider, state__in=LIVE).count(),
    }


def remove(*, by: User, provider: Provider) -> None:
    """Forget an endpoint with its VMM servers; Conflicting names the machines and plans that use
    it. In SPF and VMM all stays; here the history of machines that are deleted goes too."""
    operation_id = _started("provider.remove", by, provider, {"url": provider.url})
    try:
        with transaction.atomic():
            held = Provider.objects.select_for_update().filter(pk=provider.pk).first()
            if held is None:
                raise _gone()
            _require_unused(held)
            Machine.objects.filter(stamp__provider=held, state__in=GONE).delete()
            held.delete()
            operations.succeeded(operation_id)
    except Refused as refusal:
        operations.failed(operation_id, refusal.message)
        raise
    except IntegrityError as error:
        operations.failed(operation_id, "in use")
        raise Conflicting(_("Something began to use it just now.")) from error


def register_stamp(*, by: User, provider: Provider, name: str, friendly_name: str) -> Stamp:
    """Register a VMM server with the endpoint, or take up one it knows, and begin to read it."""
    name, friendly_name = name.strip(), friendly_name.strip()
    _require_own_name(friendly_name)
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


@transaction.atomic
def rename_stamp(*, by: User, stamp: Stamp, friendly_name: str) -> Stamp:
    """Call a VMM server something else, everywhere at once."""
    friendly_name = friendly_name.strip()
    held = Stamp.objects.select_for_update().get(pk=stamp.pk)
    if held.friendly_name == friendly_name:
        return held
    _require_own_name(friendly_name, held.pk)
    told = {"friendly_name": friendly_name, "before": held.friendly_name}
    held.friendly_name = friendly_name
    held.save(update_fields=["friendly_name"])
    operations.done(
        "stamp.rename",
        by=by,
        object_type="provider",
        object_id=held.provider_id,
        object_name=friendly_name,
        parameters=told,
    )
    return held


def refresh(*, by: User, provider: Provider) -> None:
    """Read the endpoint's stamps now rather than at their next turn."""
    for stamp_id in stamps.soon(provider):
        nudge(tasks.sync_stamp, stamp_id)


def check_account(*, by: User, provider: Provider) -> None:
    """Have every service of the endpoint asked what the account may do; the row tells then."""
    nudge(tasks.check_account, provider.pk)


def _test(provider: Provider, operation_id: uuid.UUID) -> Sequence[RemoteStamp]:
    """Note on the row what the endpoint has; return the stamps it knows, or say why it has not
    answered as it should."""
    try:
        client = registry.provider_for(provider)
        described = client.describe()
        known = client.stamps()
    except VaultError as fault:
        operations.failed(operation_id, str(fault))
        raise _locked() from fault
    except ProviderFault as fault:
        operations.failed(operation_id, fault.message)
        raise RegistrationFailed(
            f"{fault.message} {fault.advice}".strip(),
            field=FIELD.get(fault.code, "url"),
            code=fault.code,
        ) from fault
    provider.capabilities = {
        **described.as_json(),
        "stamps": [{"id": str(stamp.id), "name": stamp.name} for stamp in known],
    }
    provider.seen_at = provider.abilities_read_at = timezone.now()
    return known


def _store(
    provider: Provider, wanted: Provider, changed: list[str], operation_id: uuid.UUID
) -> Provider:
    """Write what was tested, unless somebody wrote something else meanwhile."""
    try:
        with transaction.atomic():
            held = Provider.objects.select_for_update().filter(pk=provider.pk).first()
            if held is None:
                raise _gone()
            if version(held) != version(provider):
                raise _overtaken()
            wanted.save(force_update=True, update_fields=changed)
            operations.succeeded(operation_id)
    except Refused as refusal:
        operations.failed(operation_id, refusal.message)
        raise
    except IntegrityError as error:
        raise _taken(operation_id) from error
    held.refresh_from_db()
    if "capabilities" in changed:
        # Marks of what was read belong to the SPF, and to the account, that told them.
        held.stamps.update(full_sync_at=None)
        nudge(tasks.check_account, held.pk)
        for stamp_id in stamps.soon(held):
            nudge(tasks.sync_stamp, stamp_id)
    return held


def _seal(provider: Provider, password: str) -> None:
    try:
        provider.seal_password(password)
    except VaultError as fault:
        raise _locked() from fault


def _started(action: str, by: User, provider: Provider, told: dict[str, Any]) -> uuid.UUID:
    return operations.started(
        action,
        by=by,
        object_type="provider",
        object_id=provider.pk,
        object_name=provider.name,
        parameters=told,
    )


def _difference(provider: Provider, wanted: Provider, changed: Sequence[str]) -> dict[str, Any]:
    """Return what is changed, for the log: never a password, of an authority only whose."""
    plain = [name for name in changed if name in ("name", "url", "username")]
    told: dict[str, Any] = {name: getattr(wanted, name) for name in plain}
    before: dict[str, Any] = {name: getattr(provider, name) for name in plain}
    if "password_sealed" in changed:
        told["password"] = operations.HIDDEN
    if "authority_pem" in changed:
        told["authority"] = "private" if wanted.authority_pem else "public"
        before["authority"] = "private" if provider.authority_pem else "public"
    return told | {"before": before}


def _require_servers(
    provider: Provider, known: Sequence[RemoteStamp], operation_id: uuid.UUID
) -> None:
    """Refuse an SPF that would lose VMM servers registered here: machines go by their ids."""
    ids = {stamp.id for stamp in known}
    missing = [each for each in provider.stamps.all() if each.pk not in ids]
    lost = [f"{each.friendly_name} ({each.name})" for each in missing]
    if not lost:
        return
    message = _(
        "This SPF does not know %(lost)s. A change would lose it: machines and plans go by the "
        "stamps of the SPF they were made through. Restore the SPF database there first."
    ) % {"lost": ", ".join(lost)}
    operations.failed(operation_id, message)
    raise RegistrationFailed(message, field="url", code="other_stamps")


def _require_unused(provider: Provider) -> None:
    held = uses(provider)
    words = []
    if held["machines"]:
        words.append(_("machines: %s") % _some(held["machines"]))
    if held["plans"]:
        words.append(_("plans: %s") % _some(held["plans"]))
    if held["jobs"]:
        words.append(_("jobs that go on: %d") % held["jobs"])
    if words:
        raise Conflicting(_("It is in use by %s.") % "; ".join(words))


def _some(names: Sequence[str], most: int = 5) -> str:
    shown = ", ".join(names[:most])
    left = len(names) - most
    return shown if left <= 0 else _("%(names)s and %(n)d more") % {"names": shown, "n": left}


def _require_free(provider: Provider) -> None:
    if Provider.objects.filter(url=provider.url).exclude(pk=provider.pk).exists():
        raise Conflicting(_("This endpoint is registered already."), field="url")


def _require_own_name(friendly_name: str, own: uuid.UUID | None = None) -> None:
    if Stamp.objects.filter(friendly_name__iexact=friendly_name).exclude(pk=own).exists():
        raise Conflicting(
            _("Another VMM server is called “%(name)s”.") % {"name": friendly_name},
            field="friendly_name",
        )


def _taken(operation_id: uuid.UUID) -> Conflicting:
    operations.failed(operation_id, "registered already")
    return Conflicting(_("This endpoint is registered already."), field="url")


def _locked() -> Refused:
    return Refused(
        _("The configuration store is locked: give the server its passphrase, then try again.")
    )


def _overtaken() -> Conflicting:
    return Conflicting(
        _("Somebody changed this endpoint meanwhile. Open the page again and look at it first.")
    )


def _gone() -> Conflicting:
    return Conflicting(_("Somebody removed this endpoint meanwhile."))
