"""Set what a plan holds of the virtual machine service."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from fabric.actions.subscriptions import provision_again
from fabric.apps import VM_CLOUDS
from fabric.errors import CloudIncomplete
from fabric.models import (
    Cloud,
    HardwareProfile,
    LibraryDisk,
    Media,
    Network,
    Offering,
    Template,
)
from fabric.models.inventory import InventoryQuerySet
from fabric.states import GRANTABLE
from plans.models import Plan
from plans.rules import RESOURCES
from tenants.actions import operations
from tenants.errors import Refused
from tenants.models import User


@dataclass(frozen=True)
class Content:
    """What a cloud has to offer to a plan; `missing` names the kinds it has none of."""

    templates: InventoryQuerySet
    hardware_profiles: InventoryQuerySet
    networks: InventoryQuerySet
    media: InventoryQuerySet
    library_disks: InventoryQuerySet
    missing: tuple[str, ...]


def content_of(cloud: Cloud) -> Content:
    """Return what may be chosen with this cloud (features A043, A051)."""
    templates = Template.objects.present().filter(
        Q(only_cloud=None) | Q(only_cloud=cloud.pk), stamp_id=cloud.stamp_id
    )
    profiles = HardwareProfile.objects.present().filter(stamp_id=cloud.stamp_id)
    networks = Network.objects.present().filter(
        stamp_id=cloud.stamp_id, logical_network_id__in=cloud.logical_network_ids
    )
    kinds = (
        (templates, _("a VM template")),
        (profiles, _("a hardware profile")),
        (networks, _("a network")),
    )
    missing = tuple(word for rows, word in kinds if not rows.exists())
    return Content(
        templates,
        profiles,
        networks,
        media=Media.objects.present().filter(stamp_id=cloud.stamp_id),
        library_disks=LibraryDisk.objects.present().filter(stamp_id=cloud.stamp_id),
        missing=missing,
    )


@transaction.atomic
def configure(
    *,
    by: User,
    plan: Plan,
    cloud: Cloud,
    templates: Collection[Template],
    hardware_profiles: Collection[HardwareProfile],
    networks: Collection[Network],
    permissions: Collection[str],
    limits: Mapping[str, int | None],
    media: Collection[Media] = (),
    library_disks: Collection[LibraryDisk] = (),
    fixed_templates: Collection[Template] = (),
) -> Offering:
    """Write the plan's content and limits; subscriptions it has are provisioned again.

    Of the templates, the fixed ones come in the size they have.
    """
    plan = Plan.objects.select_for_update().get(pk=plan.pk)
    content = content_of(cloud)
    if content.missing:
        raise CloudIncomplete(
            _("The cloud “%(cloud)s” lacks %(missing)s: add it in VMM, then choose the cloud.")
            % {"cloud": cloud.name, "missing": _(" and ").join(content.missing)},
            field="cloud",
        )
    _check_chosen(content.templates, templates, "templates", _("Choose at least one template."))
    _check_chosen(
        content.hardware_profiles,
        hardware_profiles,
        "hardware_profiles",
        _("Choose at least one hardware profile."),
    )
    _check_chosen(content.networks, networks, "networks", _("Choose at least one network."))
    _check_held(content.media, media, "media")
    _check_held(content.library_disks, library_disks, "library_disks")
    fixed = [row for row in fixed_templates if row in templates]
    _check_limits(limits)
    before = Offering.objects.filter(plan=plan).first()
    if before and before.cloud_id != cloud.pk and plan.subscriptions.exists():
        raise Refused(
            _("The plan has subscriptions in “%(cloud)s”; make a new plan for another cloud.")
            % {"cloud": before.cloud.name},
            field="cloud",
        )
    offering, _made = Offering.objects.update_or_create(
        plan=plan,
        defaults={
            "cloud": cloud,
            "permissions": sorted(set(permissions) & set(GRANTABLE)),
            **{resource.name: limits.get(resource.name) for resource in RESOURCES},
        },
    )
    offering.templates.set(templates)
    offering.hardware_profiles.set(hardware_profiles)
    offering.networks.set(networks)
    offering.media.set(media)
    offering.library_disks.set(library_disks)
    offering.fixed_templates.set(fixed)
    plan.services.filter(key=VM_CLOUDS.key).update(is_configured=True)
    operations.done(
        "plan.configured",
        by=by,
        object_type="plan",
        object_id=plan.pk,
        object_name=plan.name,
        parameters={
            "cloud": cloud.name,
            "templates": sorted(row.name for row in templates),
            "hardware_profiles": sorted(row.name for row in hardware_profiles),
            "networks": sorted(row.name for row in networks),
            "media": sorted(row.name for row in media),
            "library_disks": sorted(row.name for row in library_disks),
            "fixed_templates": sorted(row.name for row in fixed),
            "permissions": offering.permissions,
            "limits": dict(limits),
        },
    )
    provision_again(plan, by=by)
    return offering


def _check_chosen(offered: InventoryQuerySet, chosen: Collection, field: str, nothing: str) -> None:
    if not chosen:
        raise Refused(nothing, field=field)
    _check_held(offered, chosen, field)


def _check_held(offered: InventoryQuerySet, chosen: Collection, field: str) -> None:
    known = set(offered.values_list("pk", flat=True))
    strange = sorted(row.name for row in chosen if row.pk not in known)
    if strange:
        raise Refused(
            _("The cloud does not hold %(names)s.") % {"names": ", ".join(strange)}, field=field
        )


def _check_limits(limits: Mapping[str, int | None]) -> None:
    for resource in RESOURCES:
        value = limits.get(resource.name)
        if value is not None and not 0 < value < 2**31:
            raise Refused(
                _("%(what)s: a number above zero, or no limit.") % {"what": resource.title},
                field=resource.name,
            )
