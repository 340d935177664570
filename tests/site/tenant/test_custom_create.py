"""Custom create: every page by itself, and all of them to a machine, by forms alone."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from fabric.models import HardwareProfile, Job, Machine, Network, Schedule, Template
from plans.models import Plan
from portal.models import SshKey
from tests.factories.fabric import make_machine, make_plan, make_subscription
from tests.people import PASSWORD
from tests.site.tenant.visitor import Visitor, begin, errors

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
JOIN = {
    "membership": "domain",
    "domain": "corp.example.net",
    "account_domain": "CORP",
    "domain_user": "joiner",
    "domain_password": "Joining-Horse-9",
    "ou": "OU=Servers,DC=corp,DC=example,DC=net",
}


@pytest.fixture
def visitor(as_alice, subscription) -> Visitor:
    return begin(as_alice)


@pytest.fixture
def chosen(visitor, subscription) -> Visitor:
    """Return alice's draft with its template chosen."""
    visitor.choose(subscription)
    return visitor


@pytest.fixture
def windows(visitor, subscription) -> Visitor:
    """Return alice's draft of a Windows machine."""
    Template.objects.update(os_type="Windows", os_name="Windows Server 2022")
    visitor.choose(subscription)
    return visitor


def test_the_way_leads_from_the_choice_to_the_machine(as_alice, subscription) -> None:
    offering = subscription.plan.offering
    choice = as_alice.get(reverse("machine-new"))
    assert reverse("machine-quick") in choice.text
    assert reverse("machine-custom") in choice.text
    visitor = begin(as_alice)
    assert visitor.choose(subscription).url == visitor.url("size")
    size = {"size": offering.hardware_profiles.get().pk}
    assert visitor.send("size", **size).url == visitor.url("disks")
    assert visitor.send("disks", "add").url.startswith(visitor.url("disks"))
    disk = {"rows": 1, "size-0": 20, "name-0": "data"}
    assert visitor.send("disks", **disk).url == visitor.url("networks")
    network = {"rows": 1, "network-0": offering.networks.get().pk, "address-0": "10.20.0.9"}
    assert visitor.send("networks", **network).url == visitor.url("identity")
    assert visitor.name().url == visitor.url("options")
    assert visitor.send("options", tags="Web, prod", end_action="stop").url == visitor.url("review")
    review = visitor.get("review")
    for told in ("web-07", "10.20.0.9", "20 GB", "prod, web", "Small"):
        assert told in review.text
    answer = visitor.create()
    machine = Machine.objects.get(name="web-07")
    assert answer.url == reverse("machine", args=[machine.pk])
    assert (machine.cores, machine.storage_gb, machine.tags) == (2, 30, ["prod", "web"])
    inputs = Job.objects.get(machine=machine).inputs
    assert inputs["adapters"] == [["front", "10.20.0.9"]]
    assert inputs["disks"] == [["data", 20]]


def test_a_subscription_named_at_the_choice_is_chosen_on_both_ways(
    as_alice, subscription, alices, plan
) -> None:
    second = make_subscription(alices, make_plan(plan.offering.cloud, "Second"))
    page = as_alice.get(reverse("machine-new"), {"subscription": second.pk})
    assert f"{reverse('machine-quick')}?subscription={second.pk}" in page.text
    answer = as_alice.post(reverse("machine-custom"), {"subscription": second.pk}, follow=True)
    assert answer.context["form"]["subscription"].value() == str(second.pk)


def test_what_needs_no_word_may_be_left_out(chosen) -> None:
    chosen.name()
    assert chosen.get("review").status_code == 200
    assert chosen.create().url == reverse("machine", args=[Machine.objects.get().pk])


class TestTemplate:
    def test_the_cards_are_the_plans_templates(self, visitor) -> None:
        page = visitor.get("template")
        assert "Ubuntu 24.04" in page.text
        assert "1 core, 1 GB, 10 GB disk" in page.text

    def test_text_and_system_narrow_them(self, visitor) -> None:
        assert "No template fits" in visitor.get("template", q="debian").text
        assert "No template fits" not in visitor.get("template", q="UBUNTU 24").text

    def test_none_chosen_is_refused_at_the_cards(self, visitor, subscription) -> None:
        page = visitor.send("template", subscription=subscription.pk)
        assert list(errors(page)) == ["template"]
        assert 'href="#id_template' in page.text

    def test_another_plans_template_is_refused(self, visitor, alices, plan) -> None:
        bare = make_plan(plan.offering.cloud, "Bare")
        bare.offering.templates.clear()
        page = visitor.choose(make_subscription(alices, bare), plan.offering.templates.get())
        assert list(errors(page)) == ["template"]

    def test_how_long_it_takes_is_said_when_it_is_known(self, visitor, subscription) -> None:
        assert "usually" not in visitor.get("template").text
        deployed(subscription, seconds=90)
        assert "usually 1 minute" in visitor.get("template").text


class TestSize:
    def test_a_size_of_the_plan_own_values_or_the_templates(self, chosen) -> None:
        profile = HardwareProfile.objects.get()
        for said in ({"size": profile.pk}, {"size": "own", "cores": 3, "memory_gb": "2.5"}):
            assert chosen.send("size", **said).url == chosen.url("disks")
        chosen.name()
        chosen.create()
        machine = Machine.objects.get()
        assert (machine.cores, machine.memory_mb) == (3, 2560)

    @pytest.mark.parametrize(
        ("said", "field"),
        [
            ({"size": "own", "cores": "", "memory_gb": "2"}, "cores"),
            ({"size": "own", "cores": 2, "memory_gb": ""}, "memory_gb"),
            ({"size": "own", "cores": 0, "memory_gb": "2"}, "cores"),
            ({"size": "own", "cores": 2, "memory_gb": "NaN"}, "memory_gb"),
            ({"size": "own", "cores": 9, "memory_gb": "2"}, "cores"),
            ({"size": str(uuid.uuid4())}, "size"),
            ({}, "size"),
        ],
    )
    def test_what_does_not_fit_is_refused_at_its_field(self, chosen, said, field) -> None:
        Template.objects.update(max_cores=8)
        assert list(errors(chosen.send("size", **said))) == [field]

    def test_a_template_of_one_size_leaves_no_choice(self, chosen, subscription) -> None:
        offering = subscription.plan.offering
        offering.fixed_templates.set(offering.templates.all())
        page = chosen.get("size")
        assert "comes in one size" in page.text
        assert "Small" not in page.text
        said = {"size": "own", "cores": 4, "memory_gb": "4"}
        assert list(errors(chosen.send("size", **said))) == ["size"]

    def test_a_size_the_template_does_not_take_says_why(self, chosen) -> None:
        Template.objects.update(max_cores=1)
        assert "The template allows 1 to 1." in chosen.get("size").text


class TestDisks:
    def test_rows_come_and_go_and_keep_what_is_typed(self, chosen) -> None:
        chosen.send("disks", "add", rows=0)
        chosen.send("disks", "add", **{"rows": 1, "size-0": 10, "name-0": "first"})
        chosen.send("disks", "remove-0", **{"rows": 2, "size-0": 10, "size-1": 20, "name-1": "b"})
        assert chosen.fresh().typed["disks"] == {"rows": ["1"], "size-0": ["20"], "name-0": ["b"]}

    def test_a_new_row_is_not_complained_of_yet(self, chosen) -> None:
        answer = chosen.send("disks", "add", rows=0)
        page = chosen.client.get(answer.url.partition("#")[0])
        assert 'name="size-0"' in page.text
        assert not errors(page)

    @pytest.mark.parametrize(
        ("said", "field"),
        [
            ({"rows": 1, "size-0": ""}, "size-0"),
            ({"rows": 1, "size-0": 0}, "size-0"),
            ({"rows": 1, "size-0": 10**7}, "size-0"),
            ({"rows": 1, "size-0": 5, "name-0": "../etc"}, "name-0"),
            ({"rows": 2, "size-0": 5, "name-0": "A", "size-1": 5, "name-1": "a"}, "name-1"),
        ],
    )
    def test_a_slip_is_refused_at_its_field(self, chosen, said, field) -> None:
        assert list(errors(chosen.send("disks", **said))) == [field]

    @pytest.mark.parametrize("rows", ["", "many", "-1", "99999", "1e9"])
    def test_a_number_of_rows_that_makes_no_sense_does_no_harm(self, chosen, rows) -> None:
        assert chosen.send("disks", rows=rows).status_code in (200, 302)
        assert chosen.get("disks").text.count('class="row-of"') <= 16


class TestIdentity:
    @pytest.mark.parametrize(
        ("said", "field"),
        [
            ({"name": ""}, "name"),
            ({"name": "-web"}, "name"),
            ({"name": "web", "count": 3}, "name"),
            ({"name": "web#", "count": 12}, "name"),
            ({"count": 0}, "count"),
            ({"count": 21, "name": "web##"}, "count"),
            ({"count": ""}, "count"),
            ({"password": "short"}, "password"),
            ({"password": ""}, "password"),
            ({"admin_user": "Root User"}, "admin_user"),
            ({"computer_name": "two words"}, "computer_name"),
            ({"ssh_keys": "nonsense"}, "ssh_keys"),
            ({"user_data": "#cloud-config\na: b: c\n"}, "user_data"),
        ],
    )
    def test_a_slip_is_refused_at_its_field(self, chosen, said, field) -> None:
        page = chosen.name(**said)
        assert list(errors(page)) == [field]

    def test_an_ssh_key_stands_for_a_password(self, chosen) -> None:
        assert chosen.name(password="", ssh_keys=KEY).url == chosen.url("options")
        chosen.create()
        assert Job.objects.get().inputs["guest"]["ssh_keys"] == [KEY]

    def test_keys_of_the_account_are_offered_and_new_ones_kept(self, chosen, alice) -> None:
        chosen.name(ssh_keys=f"{KEY} laptop", keep_keys="on")
        chosen.create()
        key = SshKey.objects.get(user=alice)
        assert key.name == "laptop"
        second = begin(chosen.client)
        second.choose(Machine.objects.get().subscription)
        assert "laptop" in second.get("identity").text
        second.name("web-08", password="", account_keys=str(key.pk))
        second.create()
        job = Job.objects.get(machine__name="web-08")
        assert job.inputs["guest"]["ssh_keys"] == [f"{KEY} laptop"]

    def test_a_strangers_key_is_no_choice(self, chosen, alice, charlie) -> None:
        SshKey.objects.create(user=alice, name="laptop", text=KEY, kind="k", fingerprint="a")
        key = SshKey.objects.create(
            user=charlie, name="charlies-key", text=KEY, kind="k", fingerprint="b"
        )
        assert "charlies-key" not in chosen.get("identity").text
        assert list(errors(chosen.name(account_keys=str(key.pk)))) == ["account_keys"]

    def test_several_machines_of_one_pattern(self, chosen) -> None:
        beside = chosen.look("identity", name="web##", count=3)
        assert all(f"web0{number}" in beside.text for number in (1, 2, 3))
        chosen.name("web##", 3)
        answer = chosen.create()
        assert answer.url.startswith(reverse("machines"))
        names = list(Machine.objects.order_by("name").values_list("name", flat=True))
        assert names == ["web01", "web02", "web03"]

    def test_several_machines_share_no_address(self, chosen) -> None:
        network = Network.objects.get().pk
        chosen.send("networks", **{"rows": 1, "network-0": network, "address-0": "10.20.0.9"})
        page = chosen.name("web##", 2)
        assert "10.20.0.9" in errors(page)["count"][0]

    def test_windows_is_asked_what_windows_knows(self, windows) -> None:
        page = windows.get("identity")
        assert 'name="product_key"' in page.text
        assert 'name="ssh_keys"' not in page.text
        windows.name(membership="workgroup", workgroup="OFFICE", time_zone="110")
        windows.create()
        guest = Job.objects.get().inputs["guest"]
        assert (guest["workgroup"], guest["time_zone"], guest["join"]) == ("OFFICE", "110", None)

    def test_windows_takes_fifteen_characters(self, windows) -> None:
        assert "15" in errors(windows.name("a" * 16, membership="template"))["name"][0]

    def test_d020_a_domain_is_joined_from_the_portal(self, windows) -> None:
        windows.name(**JOIN)
        windows.create()
        join = Job.objects.get().inputs["guest"]["join"]
        assert join == ["corp.example.net", "CORP", "joiner", JOIN["ou"]]

    @pytest.mark.parametrize(
        ("field", "value", "hint"),
        [
            ("domain", "CORP", "full DNS name"),
            ("account_domain", "corp.example.net", "NetBIOS"),
            ("domain_user", "CORP\\joiner", "field of its own"),
            ("domain_password", "", "password"),
            ("ou", "CN=Computers,DC=corp,DC=example,DC=net", "container"),
        ],
    )
    def test_d021_d022_each_field_of_a_join_is_judged(self, windows, field, value, hint) -> None:
        page = windows.name(**JOIN | {field: value})
        assert list(errors(page)) == [field]
        assert hint in errors(page)[field][0]

    def test_d021_the_account_may_be_of_another_domain(self, windows) -> None:
        said = JOIN | {"account_domain": "PARTNERS"}
        assert windows.name(**said).url == windows.url("options")

    def test_d023_without_a_unit_none_is_said(self, windows) -> None:
        windows.name(**JOIN | {"ou": ""})
        windows.create()
        assert Job.objects.get().inputs["guest"]["join"][3] == ""


class TestOptions:
    def test_an_end_is_in_the_viewers_zone(self, chosen, alice) -> None:
        alice.time_zone = "Europe/Berlin"
        alice.save()
        chosen.name()
        chosen.send("options", ends_at="2040-01-15T18:00", end_action="delete")
        chosen.create()
        machine = Machine.objects.get()
        assert machine.ends_at.isoformat() == "2040-01-15T17:00:00+00:00"
        assert machine.end_action == "delete"

    @pytest.mark.parametrize(
        ("said", "field"),
        [
            ({"tags": "a<b"}, "tags"),
            ({"tags": ",".join(f"t{n}" for n in range(21))}, "tags"),
            ({"ends_at": "2001-01-01T00:00"}, "ends_at"),
            ({"ends_at": "tomorrow"}, "ends_at"),
            ({"end_action": "explode"}, "end_action"),
            ({"start_at": "25:00"}, "start_at"),
            ({"start_at": "07:00", "stop_at": "07:00"}, "stop_at"),
            (
                {"ends_at": "2040-01-01T00:00", "end_action": "delete", "is_protected": "on"},
                "is_protected",
            ),
        ],
    )
    def test_a_slip_is_refused_at_its_field(self, chosen, said, field) -> None:
        chosen.name()
        assert list(errors(chosen.send("options", **{"end_action": "stop"} | said))) == [field]

    def test_hours_become_schedules(self, chosen, alice) -> None:
        alice.time_zone = "Europe/Berlin"
        alice.save()
        chosen.name()
        hours = {"start_at": "07:30", "stop_at": "19:00", "days": "1-5"}
        chosen.send("options", end_action="stop", **hours)
        assert "Monday to Friday at 07:30" in chosen.get("review").text
        chosen.create()
        made = Schedule.objects.order_by("cron").values_list(
            "action", "cron", "time_zone", "machine__name"
        )
        assert list(made) == [
            ("shutdown", "0 19 * * 1-5", "Europe/Berlin", "web-07"),
            ("start", "30 7 * * 1-5", "Europe/Berlin", "web-07"),
        ]

    def test_hours_of_several_are_those_of_a_group(self, chosen) -> None:
        chosen.name("web##", 2)
        chosen.send("options", end_action="stop", stop_at="19:00", days="*")
        chosen.create()
        group = Schedule.objects.get().group
        assert [place.machine.name for place in group.in_order()] == ["web01", "web02"]

    def test_protection_holds(self, chosen) -> None:
        chosen.name()
        chosen.send("options", end_action="stop", is_protected="on")
        chosen.create()
        assert Machine.objects.get().is_protected


class TestReview:
    def test_it_shows_quota_price_and_the_way_back(self, chosen) -> None:
        Plan.objects.update(price_text="0.02 € an hour")
        chosen.name("web##", 3)
        page = chosen.get("review")
        for told in ("0.02 € an hour", "7 left", chosen.url("size"), "web01, web02, web03"):
            assert told in page.text

    def test_what_is_in_the_way_is_said_beforehand_and_refused_after(self, chosen) -> None:
        chosen.name("web##", 11)
        assert "limit for virtual machines is 10" in chosen.get("review").text
        page = chosen.create()
        assert "limit" in page.context["refused"]
        assert not Machine.objects.exists()
        assert chosen.get("review").status_code == 200, "the draft is still there"

    def test_a_taken_name_leads_back_to_it(self, chosen, subscription) -> None:
        make_machine(subscription, "web-07")
        chosen.name()
        page = chosen.create()
        assert "already" in page.context["refused"]
        assert page.context["where"].slug == "identity"

    def test_the_call_over_rest_makes_the_same(self, as_alice, windows) -> None:
        profile, network = HardwareProfile.objects.get().pk, Network.objects.get().pk
        windows.send("size", size=profile)
        windows.send("disks", **{"rows": 1, "size-0": 20, "name-0": "data"})
        windows.send("networks", **{"rows": 1, "network-0": network, "address-0": "10.20.0.9"})
        windows.name(description="It's mine", time_zone="110", **JOIN)
        windows.send("options", tags="web", end_action="stop", ends_at="2040-01-01T00:00")
        call = windows.get("review").context["call"]
        assert PASSWORD not in call
        assert JOIN["domain_password"] not in call
        body = called(call) | {"name": "web-08"}
        body["guest"] |= {"password": PASSWORD}
        body["guest"]["domain_join"] |= {"password": JOIN["domain_password"]}
        body["adapters"][0]["address"] = "10.20.0.10"
        url = reverse("api-machine-list")
        answer = as_alice.post(url, json.dumps(body), content_type="application/json")
        assert answer.status_code == 202, answer.text
        windows.create()
        mine, theirs = (Machine.objects.get(name=name) for name in ("web-07", "web-08"))
        for field in ("cores", "memory_mb", "storage_gb", "tags", "ends_at", "description"):
            assert getattr(mine, field) == getattr(theirs, field), field
        told = [Job.objects.get(machine=one).inputs["guest"] for one in (mine, theirs)]
        assert told[0] == told[1]

    def test_the_call_for_several_makes_several(self, as_alice, chosen) -> None:
        chosen.name("web##", 2)
        call = chosen.get("review").context["call"]
        assert "/api/v1/machines/several/" in call
        body = called(call)
        body["guest"]["password"] = PASSWORD
        url = reverse("api-machine-several")
        answer = as_alice.post(url, json.dumps(body), content_type="application/json")
        assert answer.status_code == 202, answer.text
        assert Machine.objects.count() == 2


def called(call: str) -> dict:
    """Return the body of a curl command, as a shell would read it."""
    said = call.partition("-d '")[2].removesuffix("'").replace("'\\''", "'")
    return json.loads(said)


def deployed(subscription, seconds: int) -> None:
    """Have five machines of the template been made, each in so many seconds."""
    now = timezone.now()
    for number in range(5):
        machine = make_machine(subscription, f"old-{number}")
        job = Job.objects.create(
            recipe="machine.deploy",
            subject=machine.pk,
            step="wait",
            state="succeeded",
            machine=machine,
            subscription=subscription,
            stamp=machine.stamp,
            ended_at=now,
        )
        Job.objects.filter(pk=job.pk).update(created_at=now - timedelta(seconds=seconds))
