"""Rows written together of their columns: what is the same is spelled once, nothing is mixed up."""

from __future__ import annotations

from enum import StrEnum

from hypothesis import given
from hypothesis import strategies as st

from fabric.odata.columns import column, each, lines, present


def spelled(values: list[object]) -> list[str]:
    return [repr(value) for value in values]


def test_the_same_object_in_every_row_is_spelled_once() -> None:
    shared = {"RoleID": 7}
    assert column([shared, shared, shared], spelled) == "{'RoleID': 7}"
    assert column(["Running", "".join(["Run", "ning"])], spelled) == "'Running'"


def test_equal_is_not_enough_to_be_the_same() -> None:
    assert column([1, True, 1], spelled) == ["1", "True", "1"]
    assert column([0.0, -0.0, 0.0], spelled) == ["0.0", "-0.0", "0.0"]


def test_rows_are_put_together_of_what_is_fixed_and_what_is_not() -> None:
    assert lines(["<", ["a", "b"], "|", "=", ["1", "2"], ">"], 2) == ["<a|=1>", "<b|=2>"]
    assert lines(["always"], 3) == ["always"] * 3
    assert lines(["never"], 0) == []


def test_enumerations_of_texts_are_their_texts() -> None:
    class Color(StrEnum):
        RED = "red"

        def __str__(self) -> str:
            return "Color.RED"

    assert lines([column([Color.RED, "blue"], list), "!"], 2) == ["red!", "blue!"]


@given(st.lists(st.lists(st.integers(), max_size=4)))
def test_lists_are_parted_as_they_came(some: list[list[int]]) -> None:
    assert each(some, spelled) == [spelled(list(items)) for items in some]


@given(st.lists(st.none() | st.integers()))
def test_what_is_missing_stays_in_its_place(values: list[int | None]) -> None:
    expected = ["null" if value is None else repr(value) for value in values]
    assert present(list(values), spelled, "null") == expected
