"""Plans: made private and not configured, given quotas step by step, then made public."""

from __future__ import annotations

import uuid

import pytest
from django.utils import timezone

from fabric.models import LibraryDisk, Media, Offering
from fabric.states import GRANTABLE
from plans.actions import plans as plan_actions
from plans.models import Access, Plan
from tests.factories import fabric as rows


@pytest.fixture
def draft(db, olga) -> Plan:
    return plan_actions.create(by=olga, name="Silver", service_keys=["vmclouds"])


def limits(**changes: object) -> dict[str, object]:
    return {"machines": 5, "cores": 10, "memory_mb": 16, "storage_gb": 200} | changes


def quota(cloud, **changes: object) -> dict[str, object]:
    """Return what the last step sends: everything the cloud has."""
    stamp = cloud.stamp
    return {
        "templates": [row.pk for row in stamp.templates.all()],
        "hardware_profiles": [row.pk for row in stamp.hardwareprofiles.all()],
        "networks": [row.pk for row in stamp.networks.all()],
        "permissions": ["Start", "Stop"],
    } | limits(**changes)


def test_a_new_plan_is_private_and_not_configured(site) -> None:
    response = site.post("/plans/new/", {"name": "Silver", "services": ["vmclouds"]})
    plan = Plan.objects.get()
    assert response.url == f"/plans/{plan.pk}/"
    assert (plan.access, plan.is_configured) == (Access.PRIVATE, False)
    page = site.get(response.url).content.decode()
    assert "Nobody can subscribe yet" in page


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"name": "", "services": ["vmclouds"]}, "name"),
        ({"name": "silver", "services": ["vmclouds"]}, "name"),
        ({"name": "Gold"}, "services"),
        ({"name": "Gold", "services": ["teleport"]}, "services"),
    ],
)
def test_a_plan_needs_a_name_of_its_own_and_a_service(site, draft, typed, field) -> None:
    response = site.post("/plans/new/", typed)
    assert list(response.context["form"].errors) == [field]
    assert Plan.objects.count() == 1


def test_the_only_server_is_chosen_and_its_clouds_are_on_offer(site, draft, cloud) -> None:
    rows.make_cloud(cloud.stamp, "Bronze")
    page = site.get(f"/plans/{draft.pk}/quotas/").content.decode()
    assert "Gold" in page
    assert "Bronze" in page
    assert "2. Content" not in page


def test_only_the_chosen_servers_clouds_are_on_offer(site, draft, cloud) -> None:
    other = rows.make_cloud(rows.make_stamp(friendly_name="Leipzig"), "Amber")
    there = f"/plans/{draft.pk}/quotas/"
    assert "Amber" not in site.get(there).content.decode()
    page = site.get(there, {"stamp": other.stamp_id}).content.decode()
    assert "Amber" in page
    assert "Gold" not in page


def test_htmx_gets_the_steps_alone(site, draft, cloud) -> None:
    there = f"/plans/{draft.pk}/quotas/?stamp={cloud.stamp_id}&cloud={cloud.pk}"
    fragment = site.get(there, headers={"HX-Request": "true"}).content.decode()
    assert "2. Content" in fragment
    assert "<html" not in fragment


def test_quotas_are_typed_in_gb_and_kept_in_mb(site, draft, cloud) -> None:
    there = f"/plans/{draft.pk}/quotas/?stamp={cloud.stamp_id}&cloud={cloud.pk}"
    response = site.post(there, quota(cloud, storage_gb="", storage_gb_unlimited="on"))
    assert response.url == f"/plans/{draft.pk}/"
    offering = Offering.objects.get()
    assert offering.limits == {
        "machines": 5,
        "cores": 10,
        "memory_mb": 16 * 1024,
        "storage_gb": None,
    }
    assert offering.permissions == ["Start", "Stop"]
    assert Plan.objects.get().is_configured
    again = site.get(f"/plans/{draft.pk}/quotas/").context["form"]
    assert (again["memory_mb"].value(), again["storage_gb_unlimited"].value()) == (16, True)


def test_images_disks_and_fixed_sizes_are_chosen_and_shown(site, draft, cloud) -> None:
    common = {"stamp": cloud.stamp, "synced_at": timezone.now()}
    image = Media.objects.create(id=uuid.uuid4(), name="rescue.iso", size_mb=700, **common)
    disk = LibraryDisk.objects.create(id=uuid.uuid4(), name="data", size_gb=20, **common)
    template = cloud.stamp.templates.get()
    there = f"/plans/{draft.pk}/quotas/?stamp={cloud.stamp_id}&cloud={cloud.pk}"
    more = {"media": [image.pk], "library_disks": [disk.pk], "fixed_templates": [template.pk]}
    site.post(there, quota(cloud, permissions=list(GRANTABLE), **more))
    offering = Offering.objects.get()
    assert offering.media.get() == image
    assert offering.library_disks.get() == disk
    assert offering.fixed_templates.get() == template
    assert set(offering.permissions) == set(GRANTABLE)
    page = site.get(f"/plans/{draft.pk}/").content.decode()
    for words in ("rescue.iso", "Templates in one size", "Store in the library"):
        assert words in page
    site.post(there, quota(cloud))
    assert not offering.media.exists()
    assert not offering.fixed_templates.exists()


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"templates": []}, "templates"),
        ({"hardware_profiles": []}, "hardware_profiles"),
        ({"networks": []}, "networks"),
        ({"machines": ""}, "machines"),
        ({"memory_mb": "0"}, "memory_mb"),
        ({"cores": "many"}, "cores"),
        ({"permissions": ["Fly"]}, "permissions"),
    ],
)
def test_what_is_missing_is_said_at_its_field(site, draft, cloud, typed, field) -> None:
    there = f"/plans/{draft.pk}/quotas/?stamp={cloud.stamp_id}&cloud={cloud.pk}"
    response = site.post(there, quota(cloud, **typed))
    assert list(response.context["form"].errors) == [field]
    assert not Offering.objects.exists()


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("templates", "a VM template"),
        ("hardwareprofiles", "a hardware profile"),
        ("networks", "a network"),
    ],
)
def test_a_cloud_lacking_something_is_refused_naming_it(site, draft, cloud, kind, word) -> None:
    getattr(cloud.stamp, kind).update(missing_at=timezone.now())
    there = f"/plans/{draft.pk}/quotas/?stamp={cloud.stamp_id}&cloud={cloud.pk}"
    page = site.post(there, quota(cloud)).content.decode()
    assert f"The cloud lacks {word}." in page
    assert not Offering.objects.exists()


def test_a_plan_with_subscriptions_stays_in_its_cloud(site, subscription, cloud) -> None:
    other = rows.make_cloud(cloud.stamp, "Bronze")
    there = f"/plans/{subscription.plan_id}/quotas/?stamp={other.stamp_id}&cloud={other.pk}"
    typed = quota(other, templates=[cloud.stamp.templates.get(only_cloud=other.pk).pk])
    typed["networks"] = [
        cloud.stamp.networks.get(logical_network_id=other.logical_network_ids[0]).pk
    ]
    page = site.post(there, typed).content.decode()
    assert "make a new plan for another cloud" in page


def test_a_configured_plan_is_made_public(site, plan) -> None:
    Plan.objects.update(access=Access.PRIVATE)
    response = site.post(f"/plans/{plan.pk}/access/", {"access": "public"})
    assert response.url == f"/plans/{plan.pk}/"
    assert Plan.objects.get().access == Access.PUBLIC


def test_without_quotas_it_is_refused_and_says_why(site, draft) -> None:
    page = site.post(f"/plans/{draft.pk}/access/", {"access": "public"}).content.decode()
    assert "has no quota yet" in page
    assert f"/plans/{draft.pk}/quotas/" in page
    assert Plan.objects.get().access == Access.PRIVATE


def test_the_plan_page_shows_limits_and_subscriptions(site, subscription) -> None:
    page = site.get(f"/plans/{subscription.plan_id}/").content.decode()
    for word in ("40 GB", "500 GB", "Alice Ltd", "Pause and resume", "Configured"):
        assert word in page
