"""What is said of an order before it is given is what is said when it is."""

from __future__ import annotations

import pytest
from django.utils import timezone

from fabric.actions import machines, preflight
from fabric.models import Cloud, Machine, Network, Stamp
from fabric.orders import Guest, NewAdapter
from plans.models import MemberLimit
from tenants.errors import Refused
from tests.factories.fabric import new_machine


@pytest.fixture
def check(subscription, alice):
    def check(name="web-01", count=1, by=alice, **more):
        order = new_machine(subscription, name, **more)
        return preflight.check(by=by, subscription=subscription, order=order, count=count)

    return check


def bad(findings):
    return [(each.title, each.field) for each in findings if each.level == "bad"]


def test_a_good_order_is_well_in_every_way(check):
    findings = check()
    assert {each.level for each in findings} == {"ok"}
    assert {"Template", "Size", "Name free", "Quota", "Room in the cloud", "Cloud reachable"} <= {
        each.title for each in findings
    }
    assert not Machine.objects.exists()


def test_everything_that_is_wrong_is_told_at_once(check, order):
    order("web-01")
    findings = check(cores=99, guest=Guest(password="short"))
    assert bad(findings) == [
        ("Operating system", "password"),
        ("Name free", "name"),
        ("Quota", ""),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"guest": Guest(password="x")},
        {"name": "12345"},
        {"cores": 9},
        {"cores": 0},
        {"description": "x" * 2001},
        {"address": "10.20.9.4"},
        {"address": "10.20.0.0"},
        {"address": "10.20.0.1"},
    ],
)
def test_it_says_what_deploying_would(check, subscription, alice, wrong):
    if "address" in wrong:
        wrong = {"adapters": (NewAdapter(Network.objects.get(), wrong["address"]),)}
    findings = [each for each in check(**wrong) if each.level == "bad"]
    with pytest.raises(Refused) as refused:
        machines.deploy(
            by=alice,
            subscription=subscription,
            order=new_machine(subscription, **wrong),
            request_key="k",
        )
    assert refused.value.message == findings[0].text
    assert (refused.value.field or "") == findings[0].field


def test_several_are_counted_together(check):
    assert bad(check("web##", count=3)) == []
    assert bad(check("web##", count=4)) == [("Quota", "")]
    assert bad(check("web", count=2)) == [("Order", "name")]


def test_a_members_part_is_looked_at(check, subscription, alice):
    MemberLimit.objects.create(
        membership=alice.memberships.get(), subscription=subscription, machines=0
    )
    assert ("Your part of the quota", "") in bad(check())


def test_a_full_cloud_and_one_that_is_away(check):
    Cloud.objects.update(cores=10, used={"cores": 9})
    assert [each.level for each in check() if each.title == "Room in the cloud"] == ["warn"]
    assert bad(check(cores=2)) == [("Room in the cloud", "")]
    Cloud.objects.update(cores=None)
    Stamp.objects.update(away_since=timezone.now())
    told = [each for each in check() if each.title == "Cloud reachable"]
    assert [each.level for each in told] == ["warn"]
    assert "will wait" in told[0].text


def test_a_stranger_learns_nothing(check, charlie):
    assert [each.title for each in check(by=charlie)] == ["Order"]
