"""The first page: what there is, what is wrong, and the next step while something is missing."""

from __future__ import annotations

import pytest

from fabric.models import Stamp
from fabric.states import MachineState
from plans.actions import plans as plan_actions
from plans.models import Access, Plan, Provisioning, Subscription
from tests.factories import fabric as rows


def next_step(site) -> str:
    step = site.get("/").context["next_step"]
    return step.title if step else ""


def test_the_next_step_leads_through_the_set_up(site, vault, olga) -> None:
    assert next_step(site) == "Register SPF"
    stamp = rows.make_stamp()
    provider, pk = stamp.provider, stamp.pk
    stamp.delete()
    assert next_step(site) == "Register a VMM server"
    assert site.get("/").context["next_step"].url == f"/vm-clouds/endpoints/{provider.pk}/register/"
    stamp.pk = pk
    stamp.save(force_insert=True)
    assert next_step(site) == "Create a plan"
    plan_actions.create(by=olga, name="Silver", service_keys=["vmclouds"])
    assert next_step(site) == "Set its quotas"
    Plan.objects.all().delete()
    rows.make_plan(rows.make_cloud(stamp))
    Plan.objects.update(access=Access.PRIVATE)
    assert next_step(site) == "Make it public"
    Plan.objects.update(access=Access.PUBLIC)
    assert next_step(site) == ""


def test_machines_are_counted_by_state(site, subscription) -> None:
    rows.make_machine(subscription, "web-01")
    rows.make_machine(subscription, "web-02")
    rows.make_machine(subscription, "db-01", state=MachineState.FAILED)
    rows.make_machine(subscription, "old", state=MachineState.DELETED)
    context = site.get("/").context
    assert context["machine_states"] == [("running", "Running", 2), ("failed", "Failed", 1)]
    assert context["machine_total"] == 3


@pytest.mark.parametrize("kind", ["stamp", "provider"])
def test_trouble_with_an_endpoint_is_told(site, cloud, kind) -> None:
    told = cloud.stamp if kind == "stamp" else cloud.stamp.provider
    told.problem = "No answer within 20 seconds."
    told.save()
    assert "No answer within 20 seconds." in site.get("/").content.decode()


def test_old_data_say_so(site, cloud) -> None:
    assert "stale" not in site.get("/").content.decode()
    Stamp.objects.update(synced_at="2020-01-01T00:00:00Z")
    assert "asof stale" in site.get("/").content.decode()


def test_what_is_out_of_sync_leads_to_it(site, subscription) -> None:
    Subscription.objects.update(provisioning=Provisioning.OUT_OF_SYNC)
    page = site.get("/").content.decode()
    assert "1 out of sync" in page
    assert "/subscriptions/?provisioning=out_of_sync" in page
