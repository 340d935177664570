"""Computer names: what may be one, what a pattern may be, and no number twice in a cloud."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from fabric.vmm import actions, computernames
from fabric.vmm.errors import Conflict, Invalid
from fabric.vmm.models import VirtualMachine
from tests.factories.vmm import ADMINISTRATOR, make_fabric, order


@pytest.mark.parametrize("name", ["web-01", "a", "A1", "x" * 63])
def test_a_name_that_may_be(name):
    assert computernames.require_name(f" {name} ", "Linux") == name


@pytest.mark.parametrize("name", ["", "-web", "web-", "web_1", "web 1", "wéb", "x" * 64])
def test_a_name_that_may_not(name):
    with pytest.raises(Invalid, match="no computer name"):
        computernames.require_name(name, "Linux")


def test_windows_names_are_short():
    with pytest.raises(Invalid, match="at most 15"):
        computernames.require_name("x" * 16, "Windows")
    with pytest.raises(Invalid, match="at most 15"):
        computernames.require_pattern("x" * 13 + "###", "Windows")


@pytest.mark.parametrize("pattern", ["web-###", "##", "db##a", "a-#-b", ""])
def test_a_pattern_that_may_be(pattern):
    assert computernames.require_pattern(pattern, "Linux") == pattern


@pytest.mark.parametrize("pattern", ["web", "-##", "##-", "a#b#", "web ##", "w*##"])
def test_a_pattern_that_may_not(pattern):
    with pytest.raises(Invalid, match="no pattern"):
        computernames.require_pattern(pattern, "Linux")


def named(fabric, *names: str) -> None:
    """Give the cloud machines of these computer names."""
    for name in names:
        order(fabric, ADMINISTRATOR, name, computer_name=name)


def test_numbers_go_up_and_gaps_are_filled_last(fabric):
    assert computernames.counted(fabric.cloud, "web-##") == "web-01"
    named(fabric, "web-01", "web-07", "web-7", "web-007", "other-99", "web-08x")
    assert computernames.counted(fabric.cloud, "web-##") == "web-08"
    named(fabric, "web-99")
    assert computernames.counted(fabric.cloud, "web-##") == "web-02"


def test_a_pattern_ends(fabric):
    named(fabric, *[f"n{number}" for number in range(1, 10)])
    with pytest.raises(Conflict, match="pattern n# are taken in the cloud Gold"):
        computernames.counted(fabric.cloud, "n#")
    assert VirtualMachine.objects.count() == 9


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_orders_at_once_get_names_of_their_own(vault):
    fabric = make_fabric()
    actions.templates.change(ADMINISTRATOR, fabric.template, computer_name_pattern="web-##")

    def one(number: int) -> str:
        try:
            return order(fabric, ADMINISTRATOR, f"m{number}")[0].computer_name
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        names = list(pool.map(one, range(8)))
    assert sorted(names) == [f"web-{number:02}" for number in range(1, 9)]
