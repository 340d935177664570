"""How the pages of a machine are reached: who sees it, and whom a role lets change it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import wraps

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import PermissionDenied
from django.db.models import CharField, Model, QuerySet
from django.db.models.expressions import RawSQL
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _

from fabric.models import Machine
from fabric.states import GONE, missing_for
from portal.frame import frame_of
from portal.tenant_site.access import View, own, signed_in
from portal.tenant_site.held import rights_in
from tenants.rights import Right

RELATED = ("stamp__provider", "template")
# Written out: to put the first together from expressions took longer than the database does.
_NETWORKS = """COALESCE(
    NULLIF(ARRAY(SELECT network_name FROM fabric_adapter WHERE machine_id = fabric_machine.id
                 AND network_name <> '' ORDER BY slot, id), '{}'),
    ARRAY(SELECT name FROM fabric_network WHERE id = fabric_machine.network_id))"""
_LAST_WORK = """(SELECT state FROM fabric_job WHERE machine_id = fabric_machine.id
    ORDER BY created_at DESC LIMIT 1)"""


def load(request: HttpRequest, pk: uuid.UUID) -> Machine:
    """Return a machine the person may see with what its pages need, else 404.

    `network_names` are the networks its adapters are on, before those are known the one it was
    ordered with. `last_work` is the state of the job made last, None without any. Its subscription
    is the frame's, which has read all of them.
    """
    mine = Machine.objects.visible_to(request.user).select_related(*RELATED)
    told = mine.annotate(
        network_names=RawSQL(_NETWORKS, (), output_field=ArrayField(CharField())),  # noqa: S611 - ours
        last_work=RawSQL(_LAST_WORK, (), output_field=CharField()),  # noqa: S611 - ours
    )
    machine = get_object_or_404(told, pk=pk)
    for subscription in frame_of(request).subscriptions:
        if subscription.pk == machine.subscription_id:
            machine.subscription = subscription
    return machine


def load_or_none(request: HttpRequest, pk: uuid.UUID) -> Machine | None:
    """Return the machine, None if a live page of theirs asks for one that is deleted, else 404."""
    try:
        return load(request, pk)
    except Http404:
        if request.htmx and is_gone(request, pk):
            return None
        raise


def is_gone(request: HttpRequest, pk: uuid.UUID) -> bool:
    """Tell whether this was a machine of theirs that is deleted now."""
    mine = Machine.objects.granted_to(request.user)
    return bool(mine.filter(pk=pk, state__in=GONE).exists())


def loader_of(rows: QuerySet) -> Callable[[HttpRequest, uuid.UUID], Model]:
    """Return what loads a thing in a machine (a disk, an adapter), or raises 404 for a stranger."""

    def loaded(request: HttpRequest, pk: uuid.UUID) -> Model:
        mine = rows.all().visible_to(request.user)
        related = [f"machine__{name}" for name in (*RELATED, "subscription__plan__offering")]
        return get_object_or_404(mine.select_related("machine", *related), pk=pk)

    return loaded


def machine_of(thing: Machine | Model) -> Machine:
    """Return the machine a page is about: itself, or the one the thing is in."""
    found = thing if isinstance(thing, Machine) else getattr(thing, "machine", None)
    assert isinstance(found, Machine)
    return found


def changing(
    verb: str, *methods: str, load: Callable[[HttpRequest, uuid.UUID], Model] = load
) -> Callable[[View], View]:
    """Guard a page that asks for a verb: strangers get 404, a role that never allows it 403."""

    def decorate(view: View) -> View:
        @wraps(view)
        def permitted(request: HttpRequest, thing: Model) -> HttpResponse:
            refuse_role(request, machine_of(thing), verb)
            return view(request, thing)

        return signed_in(own(load, *methods)(permitted))

    return decorate


def refuse_role(request: HttpRequest, machine: Machine, verb: str) -> None:
    """Raise PermissionDenied for what the person's role never lets them do with the machine."""
    lacking = missing_for(verb, rights_in(request, machine.subscription.tenant_id))
    if lacking:
        raise PermissionDenied(
            _("Your role does not allow this: %(right)s.") % {"right": Right(lacking).label}
        )


def back_to(machine: Machine, tab: str = "machine") -> HttpResponseRedirect:
    return redirect(tab, pk=machine.pk)
