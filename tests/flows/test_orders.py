"""Orders of new machines: size, networks, disks, guest, several at once, once and only once."""

from __future__ import annotations

import threading
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from fabric.actions import machines
from fabric.durable.states import JobState
from fabric.errors import NotPossible
from fabric.models import Job, Machine, Network, Template
from fabric.orders import DomainJoin, NewAdapter, NewDisk
from fabric.providers.base import RemoteNetwork
from fabric.providers.fake.cloud import LOGICAL_NETWORK
from fabric.providers.fake.world import FakeMachine
from fabric.states import MachineState
from plans.actions import quota
from plans.errors import QuotaExceeded
from tenants.errors import Conflicting, NotPermitted, Refused
from tenants.models import Operation
from tests.factories.fabric import new_machine

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBc8tPXJ3rC8m1b0VYk1lR1XbVJvXWQv3rjX1zq0bqQy alice"


@pytest.fixture(autouse=True)
def back(fake) -> RemoteNetwork:
    """Have a second network there before anything is read."""
    network = RemoteNetwork(
        uuid.uuid4(),
        "inside",
        "",
        LOGICAL_NETWORK,
        isolation="NoIsolation",
    )
    fake.networks.append(network)
    return network


@pytest.fixture
def windows(subscription) -> Template:
    Template.objects.update(os_type="Windows")
    return subscription.plan.offering.templates.get()


def there(fake) -> FakeMachine:
    return next(iter(fake.held.values()))


def test_an_own_size_within_what_the_template_allows(order, work, exact):
    machine = order(cores=3, memory_mb=3072)
    work()
    machine.refresh_from_db()
    assert (machine.cores, machine.memory_mb) == (3, 3072)
    assert exact()["cores"] == 3


def test_own_values_go_before_the_profile_and_that_before_the_template(order, subscription):
    profile = subscription.plan.offering.hardware_profiles.get()
    machine = order(hardware_profile=profile, memory_mb=4096)
    assert (machine.cores, machine.memory_mb) == (2, 4096)


def test_a_size_the_template_does_not_allow_is_refused_at_its_field(order):
    Template.objects.update(max_cores=2)
    with pytest.raises(Refused) as refused:
        order(cores=3)
    assert refused.value.field == "cores"
    assert not Machine.objects.exists()


def test_several_networks_one_with_a_fixed_address(order, work, fake, back):
    front, inside = Network.objects.order_by("name")
    machine = order(adapters=(NewAdapter(front, "10.20.3.7"), NewAdapter(inside)))
    work()
    machine.refresh_from_db()
    assert [each.network for each in machine.adapters.all()] == [front, inside]
    assert machine.adapters.first().addresses == ["10.20.3.7"]
    assert "10.20.3.7" in machine.addresses


@pytest.mark.parametrize("address", ["10.20.3", "fe80::1", "224.0.0.1", "0.0.0.0", "10.0.0.1/24"])
def test_what_is_no_address_is_refused(order, address):
    with pytest.raises(Refused) as refused:
        order(adapters=(NewAdapter(Network.objects.first(), address),))
    assert refused.value.field == "adapters.0.address"


def test_an_address_that_is_taken_is_refused(order, work):
    network = Network.objects.first()
    order(adapters=(NewAdapter(network, "10.20.3.7"),))
    work()
    with pytest.raises(Conflicting, match="10.20.3.7 is taken"):
        order("web-02", key="k2", adapters=(NewAdapter(network, "10.20.3.7"),))


def test_disks_are_added_before_the_machine_is_ready(order, work, fake, exact):
    fake.instant = False
    machine = order(disks=(NewDisk(20), NewDisk(30, "logs")))
    work(rounds=2)
    fake.settle()
    work(rounds=2)
    machine.refresh_from_db()
    assert machine.state == MachineState.CREATING, "the first disk is on its way"
    for _disk in range(3):
        fake.settle()
        work(rounds=2)
    machine.refresh_from_db()
    assert machine.state == MachineState.RUNNING
    assert [(disk.name, disk.size_gb) for disk in machine.disks.all()][1:] == [
        ("web-01_data_1", 20),
        ("logs", 30),
    ]
    assert exact()["storage_gb"] == machine.storage_gb == 60


def test_a_disk_that_fails_is_made_by_resuming(order, work, fake, alice, exact):
    fake.plan("change", "fail")
    machine = order(disks=(NewDisk(20),))
    work()
    job = machine.jobs.get()
    assert job.state == JobState.FAILED
    assert quota.used(machine.subscription)["storage_gb"] == 30
    machines.resume(by=alice, machine=machine)
    work()
    machine.refresh_from_db()
    assert machine.state == MachineState.RUNNING
    assert len(fake.held) == 1
    assert exact()["storage_gb"] == 30


@pytest.mark.parametrize("what", ["lose_reply", "unreachable"])
def test_a_lost_reply_adds_no_second_disk(order, work, fake, exact, what):
    fake.plan("change", what)
    machine = order(disks=(NewDisk(20), NewDisk(20)))
    work(rounds=30)
    machine.refresh_from_db()
    assert machine.state == MachineState.RUNNING
    assert exact()["storage_gb"] == 50


def test_the_guest_is_told_who_it_is(order, work, fake):
    order(
        computer_name="shop",
        admin_user="admin",
        ssh_keys=(KEY,),
        user_data="#cloud-config\npackages: [nginx]\n",
    )
    work()
    told = there(fake).order
    assert (told.computer_name, told.admin_user, told.ssh_keys) == ("shop", "admin", (KEY,))
    assert told.user_data.startswith("#cloud-config")


def test_linux_with_a_key_needs_no_password(order, work, fake):
    machine = order(password="", ssh_keys=(KEY,))
    work()
    machine.refresh_from_db()
    assert machine.state == MachineState.RUNNING
    assert there(fake).order.password == ""


def test_windows_is_told_its_domain_key_and_time_zone(order, work, fake, windows):
    join = DomainJoin("corp.example.net", "CORP", "joiner", "Canary-Join-1")
    order(
        product_key="BBCDF-22346-FGHJK-67898-MPPQR",
        time_zone="110",
        domain_join=join,
    )
    work()
    told = there(fake).order
    assert told.domain_join.domain == "corp.example.net"
    assert told.domain_join.password == "Canary-Join-1"
    assert (told.time_zone, told.product_key[:5]) == ("110", "BBCDF")


@pytest.mark.parametrize(
    ("guest", "field"),
    [
        ({"password": ""}, "password"),
        ({"ssh_keys": ("no key",), "password": ""}, "ssh_keys"),
        ({"computer_name": "12345"}, "computer_name"),
        ({"product_key": "BBCDF-22346-FGHJK-67898-MPPQR"}, "product_key"),
        ({"time_zone": "110"}, "time_zone"),
        ({"admin_user": "a b"}, "admin_user"),
        ({"user_data": "x" * 20_000}, "user_data"),
        ({"domain_join": DomainJoin("corp.example.net", "CORP", "j", "p")}, "domain"),
    ],
)
def test_what_a_linux_guest_cannot_be_told_is_refused(order, guest, field):
    with pytest.raises(Refused) as refused:
        order(**guest)
    assert refused.value.field == field
    assert not Machine.objects.exists()


def test_no_secret_is_kept_longer_than_needed(order, work, caplog, windows):
    join = DomainJoin("corp.example.net", "CORP", "joiner", "Canary-Join-1")
    machine = order(domain_join=join, password="Canary-Guest-1")
    secret = str(list(Job.objects.values())) + str(list(Operation.objects.values()))
    work()
    secret += str(list(Job.objects.values())) + str(list(Operation.objects.values())) + caplog.text
    assert "Canary" not in secret
    assert machine.jobs.get().sealed == ""
    assert "Canary" not in repr(new_machine(machine.subscription, domain_join=join))


def test_several_at_once_by_a_pattern(subscription, alice, work, exact):
    made = machines.deploy_many(
        by=alice,
        subscription=subscription,
        order=new_machine(subscription, computer_name="srv##"),
        pattern="web##",
        count=3,
        first=8,
        request_key="many",
    )
    assert [machine.name for machine in made] == ["web08", "web09", "web10"]
    work()
    assert exact()["machines"] == 3


def test_several_are_made_all_or_none(subscription, alice, order):
    order("web02")
    for count, refusal in ((2, Conflicting), (4, QuotaExceeded)):
        with pytest.raises(refusal):
            machines.deploy_many(
                by=alice,
                subscription=subscription,
                order=new_machine(subscription),
                pattern="web##",
                count=count,
                first=1 if refusal is Conflicting else 5,
                request_key=f"many{count}",
            )
    assert Machine.objects.count() == 1
    assert quota.used(subscription)["machines"] == 1


@pytest.mark.parametrize(
    ("pattern", "count"), [("web", 2), ("web#", 10), ("web##", 0), ("web##", 51)]
)
def test_a_pattern_that_cannot_be_is_refused(subscription, alice, pattern, count):
    with pytest.raises(Refused) as refused:
        machines.deploy_many(
            by=alice,
            subscription=subscription,
            order=new_machine(subscription),
            pattern=pattern,
            count=count,
            request_key="many",
        )
    assert refused.value.field == "name"


def test_the_same_request_for_several_is_answered_once(subscription, alice):
    def ask():
        return machines.deploy_many(
            by=alice,
            subscription=subscription,
            order=new_machine(subscription),
            pattern="web##",
            count=2,
            request_key="many",
        )

    assert ask() == ask()
    assert Machine.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_tabs_at_the_same_moment_make_one_machine(order):
    made, both = [], threading.Barrier(2)

    def submit() -> None:
        both.wait()
        try:
            made.append(order(key="same").pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=submit) for _tab in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(made) == 2
    assert len(set(made)) == Machine.objects.count() == 1


def test_a_machine_may_come_with_tags_an_end_and_protection(order):
    ends_at = timezone.now() + timedelta(days=7)
    machine = order(tags=("Shop",), ends_at=ends_at, is_protected=True)
    machine.refresh_from_db()
    assert (machine.tags, machine.ends_at, machine.is_protected) == (["shop"], ends_at, True)
    with pytest.raises(Refused) as refused:
        order("web-02", key="k2", ends_at=timezone.now() - timedelta(days=1))
    assert refused.value.field == "ends_at"
    with pytest.raises(NotPossible, match="protected"):
        order("web-02", key="k2", ends_at=ends_at, end_action="delete", is_protected=True)


def test_only_what_the_plan_holds_can_be_ordered(order, plan):
    network = Network.objects.get(name="inside")
    plan.offering.networks.remove(network)
    with pytest.raises(NotPermitted) as refused:
        order(adapters=(NewAdapter(network),))
    assert refused.value.field == "network"


def test_what_the_watch_has_just_read_is_not_asked_for_again(order, work, fake):
    order()
    work(rounds=1)
    asked = fake.calls.count("devices")
    work()
    assert Machine.objects.get().state == MachineState.RUNNING
    assert fake.calls.count("devices") == asked


def test_what_was_read_before_the_end_is_asked_for_again(order, work, fake):
    machine = order()
    work(rounds=1)
    Machine.objects.filter(pk=machine.pk).update(
        devices_synced_at=timezone.now() - timedelta(seconds=30)
    )
    asked = fake.calls.count("devices")
    work()
    assert fake.calls.count("devices") == asked + 1


def test_a_machine_that_turns_out_larger_is_counted_as_it_is(order, work, fake, exact):
    """The template was made larger after our last look at it."""
    fake.templates[0] = replace(fake.templates[0], storage_gb=25)
    order()
    work()
    assert exact()["storage_gb"] == 25
