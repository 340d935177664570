"""Doors to what VMM can do: affinity sets, DVD drives, New, the search, the words of the log."""

from __future__ import annotations

import pytest
from django.urls import reverse

from fabric.vmm.actions import affinity
from fabric.vmm.models import AffinitySet, VirtualMachine
from portal import fabric_titles
from portal.admin_site.fabric.nouns import NOUNS
from portal.admin_site.fabric.pages import asked, machine_commands
from portal.templatetags.names import broken
from portal.templatetags.operations import act_title
from tests.factories.vmm import ADMINISTRATOR, deploy, make_role


@pytest.fixture
def machine(fabric) -> VirtualMachine:
    return deploy(fabric, ADMINISTRATOR, "web-01")


def act(machine: VirtualMachine, verb: str) -> str:
    return reverse("fabric-machine-act", args=[machine.pk, verb])


def members(row: AffinitySet) -> list[str]:
    return sorted(row.machines.values_list("name", flat=True))


def test_a_set_is_made_with_its_machines_and_they_change(site, fabric, machine) -> None:
    deploy(fabric, ADMINISTRATOR, "web-02")
    words = {"name": "Web", "kind": "apart", "machines": "web-01"}
    site.post(reverse("fabric-affinity-set-new"), words)
    row = AffinitySet.objects.get(name="Web")
    assert members(row) == ["web-01"]
    edit = reverse("fabric-affinity-set-edit", args=[row.pk])
    assert "web-01" in site.get(edit).content.decode()
    site.post(edit, words | {"machines": "web-02"})
    assert members(row) == ["web-02"]
    page = site.get(f"{reverse('fabric-affinity-set', args=[row.pk])}?tab=machine")
    assert "web-02" in page.content.decode()


def test_a_name_that_is_no_machines_is_refused(site, machine) -> None:
    words = {"name": "Web", "kind": "apart", "machines": "web-01\nnobody"}
    said = site.post(reverse("fabric-affinity-set-new"), words).content.decode()
    assert "There is no machine called nobody." in said


def test_a_machine_is_put_into_a_set_and_out_of_it(site, fabric, machine) -> None:
    row = affinity.add(ADMINISTRATOR, fabric.server, name="Web")
    site.post(act(machine, "affinity"), {"affinity": row.pk})
    assert members(row) == ["web-01"]
    placement = f"{reverse('fabric-machine', args=[machine.pk])}?tab=placement"
    assert reverse("fabric-affinity-set", args=[row.pk]) in site.get(placement).content.decode()
    theirs = AffinitySet.objects.create(
        server=fabric.server, role=make_role(fabric, "charlie@example.net"), name="Theirs"
    )
    offered = site.get(act(machine, "affinity")).context["form"].fields["affinity"].queryset
    assert row in offered
    assert theirs not in offered
    site.post(act(machine, "affinity"), {"affinity": ""})
    assert members(row) == []


def test_an_empty_dvd_drive_comes_and_goes(site, machine) -> None:
    site.post(act(machine, "dvd-add"))
    drive = machine.dvds.get()
    tab = site.get(f"{reverse('fabric-machine', args=[machine.pk])}?tab=dvd").content.decode()
    assert "Remove the drive" in tab
    site.post(f"{act(machine, 'dvd-remove')}?of={drive.pk}")
    assert not machine.dvds.exists()


def test_new_offers_what_the_fabric_has(site, fabric) -> None:
    shown = site.get("/").content.decode()
    for noun in ("machine", "host", "cloud", "template"):
        assert reverse(f"fabric-{noun}-new") in shown


@pytest.mark.parametrize(
    ("page", "list_name", "hint"),
    [
        ("fabric-host-list", "fabric-host-list", "Search hosts"),
        ("fabric-template-new", "fabric-template-list", "Search VM templates"),
        ("fabric-capacity", "fabric-machine-list", "Search virtual machines"),
        ("plans", "subscriptions", "Search subscriptions"),
    ],
)
def test_the_search_asks_the_list_of_the_page(site, fabric, page, list_name, hint) -> None:
    shown = site.get(reverse(page)).content.decode()
    assert f'role="search" action="{reverse(list_name)}"' in shown
    assert hint in shown


def test_every_act_of_the_console_has_words() -> None:
    told = [f"{noun.key}.add" for noun in NOUNS if noun.actions.add]
    told += [f"machine.{verb}" for verb in asked.ACTS]
    told += [f"machine.{verb.lower()}" for verb in machine_commands.VERBS]
    assert [act for act in told if not fabric_titles.title(f"fabric.{act}")] == []
    assert act_title("fabric.host.add") == "Host added"
    assert act_title("fabric.vm-network.change") == "VM network changed"


def test_an_operator_may_give_product_key_and_time_zone(site, fabric) -> None:
    fields = site.get(reverse("fabric-machine-new")).context["form"].fields
    assert {"product_key", "time_zone"} <= set(fields)


def test_a_long_name_breaks_at_its_dots_only() -> None:
    assert broken("host01.example.net") == "host01<wbr>.example<wbr>.net"
    assert broken("alice@example.net") == "alice<wbr>@example<wbr>.net"
    assert broken("10.0.0.1 and 1.5 GB") == "10.0.0.1 and 1.5 GB"
    assert broken("<b>a.b</b>") == "&lt;b&gt;a<wbr>.b&lt;/b&gt;"
