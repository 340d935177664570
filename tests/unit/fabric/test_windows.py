"""What Windows set-up is told: product keys, time zones, workgroups."""

from __future__ import annotations

import pytest

from fabric import windows


@pytest.mark.parametrize("key", ["WX4NM-KYWYW-QJJR4-XV3QB-6VM33", "wx4nm-kywyw-qjjr4-xv3qb-6vm33"])
def test_a_product_key_is_five_groups_of_five(key) -> None:
    assert windows.product_key_problem(key) is None


@pytest.mark.parametrize(
    "key", ["WX4NM-KYWYW", "WX4NM KYWYW QJJR4 XV3QB 6VM33", "AAAAA-EEEEE-IIIII-OOOOO-UUUUU", ""]
)
def test_anything_else_is_none(key) -> None:
    assert "five groups" in (windows.product_key_problem(key) or "")


def test_time_zones_go_by_microsofts_numbers() -> None:
    assert windows.time_zone_problem("110") is None
    assert windows.time_zone_problem("Europe/Berlin")
    assert all(number.isdecimal() for number in windows.TIME_ZONES)


@pytest.mark.parametrize("name", ["WORKGROUP", "Büro 2", "A" * 15])
def test_a_workgroup_has_a_short_name(name) -> None:
    assert windows.workgroup_problem(name) is None


@pytest.mark.parametrize("name", ["A" * 16, "A/B", "...", "A\nB"])
def test_other_names_are_refused(name) -> None:
    assert windows.workgroup_problem(name)
