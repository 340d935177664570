"""How much the fabric has, and how much of it is promised."""

from __future__ import annotations

import re

from django.urls import reverse

from fabric.vmm.actions import clouds, groups, hosts, userroles
from fabric.vmm.models import RoleProfile
from tests.factories.vmm import ADMINISTRATOR, deploy, make_role

URL = "fabric-capacity"


def text(site) -> str:
    """Return what the page says, without its markup."""
    shown = re.sub(r"<[^>]+>", " ", site.get(reverse(URL)).content.decode())
    return " ".join(shown.split())


def test_the_server_its_groups_and_its_clouds(site, fabric) -> None:
    groups.add(ADMINISTRATOR, fabric.server, name="Frankfurt", parent=fabric.group)
    make_role(fabric, memory_mb=10_240)
    deploy(fabric, ADMINISTRATOR, "web-01")
    said = text(site)
    for words in ("1 GB of 128 GB", "Free 127 GB", "Promised 10 GB", "Frankfurt no hosts", "Gold"):
        assert words in said
    assert "depth-1" in site.get(reverse(URL)).content.decode()


def test_a_page_tells_each_dimension_in_one_unit(site, fabric) -> None:
    for number in range(2):
        hosts.add(
            ADMINISTRATOR,
            fabric.server,
            name=f"large{number}.example.net",
            group=fabric.group,
            cores=8,
            memory_mb=65_536,
            storage_gb=102_400,
        )
    said = text(site)
    assert "0 TB of 203.9 TB" in said
    assert not re.search(r"0 GB of [\d,]{4,} GB", said)


def test_promising_without_limit_is_said_and_no_fault(site, fabric) -> None:
    make_role(fabric)
    make_role(fabric, "bob@example.net", memory_mb=1024)
    said = text(site)
    assert "Promised 2 roles without limit" in said
    assert "Promised 1 GB + 1 role without limit" in said
    assert "more than there is" not in said


def test_promising_more_than_there_is_is_said(site, fabric) -> None:
    make_role(fabric, memory_mb=1_000_000)
    assert "more than there is" in text(site)


def test_a_scoped_administrator_sees_only_what_is_theirs(site, fabric, olga) -> None:
    """The sums as well are only of their groups."""
    mine = groups.add(ADMINISTRATOR, fabric.server, name="Berlin")
    hosts.add(
        ADMINISTRATOR,
        fabric.server,
        name="berlin1.example.net",
        group=mine,
        cores=8,
        memory_mb=7168,
        storage_gb=100,
    )
    clouds.add(ADMINISTRATOR, fabric.server, name="Silver", host_groups=[mine])
    make_role(fabric, memory_mb=10_240)
    userroles.add(
        ADMINISTRATOR,
        name="Berliners",
        profile=RoleProfile.DELEGATED,
        members=[olga.email],
        host_groups=[mine],
    )
    said = text(site)
    assert "of 7 GB" in said
    assert "Silver" in said
    for word in (fabric.group.name, fabric.cloud.name, "128 GB", "135 GB", "10 GB"):
        assert word not in said


def test_it_costs_the_same_for_many(site, fabric, django_assert_max_num_queries) -> None:
    with django_assert_max_num_queries(30) as first:
        site.get(reverse(URL))
    for number in range(4):
        groups.add(ADMINISTRATOR, fabric.server, name=f"Row {number}", parent=fabric.group)
    with django_assert_max_num_queries(len(first)):
        site.get(reverse(URL))
