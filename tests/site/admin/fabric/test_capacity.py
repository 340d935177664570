"""How much the fabric has, and how much of it is promised."""

from __future__ import annotations

from django.urls import reverse

from fabric.vmm.actions import groups
from tests.factories.vmm import ADMINISTRATOR, deploy, make_role

URL = "fabric-capacity"


def test_the_server_its_groups_and_its_clouds(site, fabric) -> None:
    groups.add(ADMINISTRATOR, fabric.server, name="Frankfurt", parent=fabric.group)
    make_role(fabric, memory_mb=10_240)
    deploy(fabric, ADMINISTRATOR, "web-01")
    shown = site.get(reverse(URL)).content.decode()
    for words in ("1 GB of 128 GB", "127 GB free", "promised: 10 GB", "Frankfurt", "Gold"):
        assert words in shown
    assert "depth-1" in shown


def test_promising_without_limit_is_said(site, fabric) -> None:
    make_role(fabric)
    assert "promised: no limit" in site.get(reverse(URL)).content.decode()


def test_promising_more_than_there_is_is_said(site, fabric) -> None:
    make_role(fabric, memory_mb=1_000_000)
    assert "more than there is" in site.get(reverse(URL)).content.decode()


def test_it_costs_the_same_for_many(site, fabric, django_assert_max_num_queries) -> None:
    with django_assert_max_num_queries(30) as first:
        site.get(reverse(URL))
    for number in range(4):
        groups.add(ADMINISTRATOR, fabric.server, name=f"Row {number}", parent=fabric.group)
    with django_assert_max_num_queries(len(first)):
        site.get(reverse(URL))
