"""Registering, syncing, planning, subscribing: from nothing to a subscription in sync."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import pytest

from fabric.actions import offerings, providers, setup, subscriptions
from fabric.errors import CloudIncomplete, RegistrationFailed
from fabric.models import Cloud, Network, Offering, Provider, Stamp
from fabric.providers.base import RemotePool
from fabric.providers.errors import (
    BrokenAnswer,
    CertificateFault,
    Rejected,
    Unauthorized,
    Unreachable,
)
from fabric.states import GRANTED_BY_DEFAULT, MachineState
from fabric.sync import stamps
from plans.actions import plans as plan_actions
from plans.errors import NotConfigured
from plans.models import Access, Provisioning
from tenants.errors import Conflicting, NotPermitted, Refused
from tenants.models import Instance, Operation, User
from tests.factories.fabric import make_machine

SPF = {
    "name": "Contoso",
    "url": "https://spf.example.net:8090",
    "username": "portal",
    "password": "Canary-spf-1",
}


@pytest.mark.parametrize(
    ("fault", "field"),
    [
        (Unauthorized("The user name or the password is wrong."), "password"),
        (CertificateFault("The certificate is not trusted."), "authority_pem"),
        (Unreachable("Nobody answers."), "url"),
        (BrokenAnswer("This is no SPF."), "url"),
    ],
)
def test_an_endpoint_that_does_not_answer_well_is_not_stored(fake, olga, fault, field):
    fake.plan("check", fault)
    with pytest.raises(RegistrationFailed) as refused:
        providers.register(by=olga, **SPF)
    assert (refused.value.field, refused.value.code) == (field, fault.code)
    assert fault.message in refused.value.message
    assert not Provider.objects.exists()


@pytest.mark.parametrize(
    "url", ["http://spf.example.net:8090", "spf.example.net", "https://a:b@spf.example.net"]
)
def test_an_address_must_be_https_and_without_an_account(fake, olga, url):
    with pytest.raises(Refused) as refused:
        providers.register(by=olga, **SPF | {"url": url})
    assert refused.value.field == "url"


def test_the_password_of_an_endpoint_is_sealed(stamp):
    row = Provider.objects.values().get()
    assert "Canary" not in str(row)
    assert Provider.objects.get().open_password() == "Canary-spf-1"
    assert "Canary" not in str(list(Operation.objects.values()))


def test_after_registering_the_clouds_are_counted(stamp, fake):
    assert Cloud.objects.present().count() == len(fake.clouds) == 1
    assert stamp.problem == ""


def test_an_account_without_rights_counts_none_and_says_why(stamp, fake):
    fake.lacks_rights = True
    stamps.run(str(stamp.pk))
    stamp.refresh_from_db()
    assert Cloud.objects.present().count() == 0
    assert "has no rights" in stamp.problem


def test_losing_the_rights_does_not_make_machines_missing(subscription, stamp, fake):
    machine = make_machine(subscription, synced_at=None)
    fake.lacks_rights = True
    stamps.run(str(stamp.pk))
    machine.refresh_from_db()
    assert machine.state == MachineState.RUNNING
    assert machine.unreachable_since


def test_a_machine_the_cloud_does_not_know_is_marked_missing_not_deleted(subscription, stamp):
    machine = make_machine(subscription, synced_at=None)
    stamps.run(str(stamp.pk))
    machine.refresh_from_db()
    assert machine.state == MachineState.MISSING


def test_a_stamp_that_is_away_keeps_its_rows_and_says_so(stamp, fake):
    fake.is_down = True
    stamps.run(str(stamp.pk))
    stamp.refresh_from_db()
    assert Cloud.objects.present().count() == 1
    assert stamp.problem


def test_one_friendly_name_for_one_server(stamp, olga):
    with pytest.raises(Conflicting) as refused:
        providers.register_stamp(
            by=olga, provider=stamp.provider, name="vmm02", friendly_name="frankfurt"
        )
    assert refused.value.field == "friendly_name"
    assert Stamp.objects.count() == 1


def test_a_cloud_without_network_is_refused_by_name(stamp, olga):
    Network.objects.all().delete()
    plan = plan_actions.create(by=olga, name="Starter", service_keys=["vmclouds"])
    cloud = stamp.clouds.get()
    assert offerings.content_of(cloud).missing == ("a network",)
    with pytest.raises(CloudIncomplete, match="lacks a network"):
        offerings.configure(
            by=olga,
            plan=plan,
            cloud=cloud,
            templates=[],
            hardware_profiles=[],
            networks=[],
            permissions=[],
            limits={},
        )
    assert not Offering.objects.exists()


def test_a_new_plan_is_private_and_cannot_be_public_before_its_quota_is_set(stamp, olga):
    plan = plan_actions.create(by=olga, name="Starter", service_keys=["vmclouds"])
    assert (plan.access, plan.is_configured) == (Access.PRIVATE, False)
    with pytest.raises(NotConfigured):
        plan_actions.change_access(by=olga, plan=plan, access=Access.PUBLIC)


def test_subscribing_makes_a_role_named_after_the_subscription(subscription, fake, plan):
    assert subscription.provisioning == Provisioning.IN_SYNC
    role = fake.roles[subscription.pk]
    assert role.name == f"alice@example.net_{subscription.pk}"
    assert role.limits == plan.offering.limits
    assert set(GRANTED_BY_DEFAULT) <= set(role.permissions)
    assert {kind for kind, _pk in role.resources} == {
        "VMTemplate",
        "HardwareProfile",
        "VMNetwork",
        "VirtualHardDisk",
        "ISO",
    }


def test_a_failed_provisioning_says_why_and_can_be_retried(fake, plan, alice, alices, work):
    fake.plan("ensure_tenant", Rejected("The name is taken in VMM."))
    subscription = subscriptions.subscribe(by=alice, tenant=alices, plan=plan)
    work()
    subscription.refresh_from_db()
    assert subscription.provisioning == Provisioning.OUT_OF_SYNC
    assert "taken in VMM" in subscription.problem
    subscriptions.retry(by=alice, subscription=subscription)
    work()
    subscription.refresh_from_db()
    assert subscription.provisioning == Provisioning.IN_SYNC
    assert subscription.problem == ""


def test_a_private_plan_is_the_operators_to_give(plan, olga, alice, alices):
    plan_actions.change_access(by=olga, plan=plan, access=Access.PRIVATE)
    with pytest.raises(NotPermitted):
        subscriptions.subscribe(by=alice, tenant=alices, plan=plan)
    dora = subscriptions.create_user(
        by=olga, email="Dora@example.net", password="Correct-Horse-7", plan=plan
    )
    assert dora.tenants.get().subscriptions.get().plan == plan


def test_a_double_click_subscribes_once(plan, alice, alices):
    subscriptions.subscribe(by=alice, tenant=alices, plan=plan)
    with pytest.raises(Conflicting):
        subscriptions.subscribe(by=alice, tenant=alices, plan=plan)
    assert alices.subscriptions.count() == 1


def test_changing_a_plans_quota_reaches_the_role(subscription, plan, olga, fake, work):
    cloud = plan.offering.cloud
    content = offerings.content_of(cloud)
    offerings.configure(
        by=olga,
        plan=plan,
        cloud=cloud,
        templates=list(content.templates),
        hardware_profiles=list(content.hardware_profiles),
        networks=list(content.networks),
        permissions=["Start"],
        limits={"machines": 50, "cores": None, "memory_mb": None, "storage_gb": None},
    )
    subscription.refresh_from_db()
    assert subscription.provisioning == Provisioning.SYNCING
    work()
    assert fake.roles[subscription.pk].limits["machines"] == 50
    assert "Stop" not in fake.roles[subscription.pk].permissions


@pytest.mark.django_db
def test_set_up_works_once_and_only_with_the_code(settings, tmp_path):
    settings.VAULT_KEY_FILE = tmp_path / "vault.key"
    answers = {
        "instance_name": "Contoso Cloud",
        "email": "olga@example.net",
        "password": "Correct-Horse-7",
        "passphrase": "a long passphrase",
    }
    code = setup.new_code()
    with pytest.raises(Refused) as refused:
        setup.set_up(code="guess", **answers)
    assert refused.value.field == "code"
    assert not User.objects.exists()
    olga = setup.set_up(code=code, **answers)
    assert olga.is_operator
    assert setup.is_done()
    assert Instance.current().name == "Contoso Cloud"
    assert setup.new_code() is None
    with pytest.raises(Refused):
        setup.set_up(code=code, **answers)


def test_pools_are_kept_as_the_cloud_tells_them(stamp, fake):
    network = Network.objects.get()
    keeps = {"reserved": [], "gateways": ["10.20.0.1"], "dns_servers": []}
    assert network.pools == [{"first": "10.20.0.1", "last": "10.20.3.254", **keeps}]
    reserved = RemotePool("10.20.0.1", "10.20.0.9", reserved=(("10.20.0.4", "10.20.0.5"),))
    for told in ((reserved,), (), None):
        fake.networks[0] = replace(fake.networks[0], pools=told)
        stamps.run(str(stamp.pk))
        network.refresh_from_db()
        assert network.pools == (told if told is None else [as_json(each) for each in told])
    assert Network.objects.filter(pools__isnull=True).exists()


def as_json(pool: RemotePool) -> Any:
    return json.loads(json.dumps(asdict(pool)))


def test_subnets_are_kept_as_the_cloud_tells_them(stamp, fake):
    network = Network.objects.get()
    assert network.subnets == ["10.20.0.0/22"]
    for told in (("10.20.0.0/24", "10.21.0.0/24"), ()):
        fake.networks[0] = replace(fake.networks[0], subnets=told)
        stamps.run(str(stamp.pk))
        network.refresh_from_db()
        assert network.subnets == list(told)
