"""The database and the evaluation on rows say the same of the same rows, whatever is asked."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabric.odata.errors import BadRequest
from fabric.odata.filter import (
    And,
    Call,
    Compare,
    Condition,
    Expr,
    Literal,
    Not,
    Or,
    Property,
)
from fabric.odata.literals import parse_datetime
from fabric.odata.query import QueryOptions
from fabric.spf.models import Account
from fabric.spf.narrowing import filtered
from fabric.spf.paging import cut, in_database, sort
from fabric.spf.scope import Scope, load_stamps
from fabric.spf.services import VMM_SERVICE
from fabric.vmm.models import VirtualMachine
from fabric.vmm.roles import Caller as VMMCaller

MACHINES = VMM_SERVICE.model.set("VirtualMachines")
KNOWN = uuid.UUID("0f6b2a84-93de-4d57-a1c8-5be27a90d604")
THEN = datetime(2026, 2, 3, 10, 0, 0, 123456, UTC)
NAMES = [
    "web-01",
    "WEB-01",
    "web-02",
    "Web",
    "",
    " ",
    "123",
    "0123",
    "true",
    "1.5",
    "a%b_c\\d",
    "o'brien",
    "Ärger",
    "ärger",
    "straße",
    "STRASSE",
    "\U0001f600",
    "\uffee",
    "z",
    "e\u0301",
    "é",
    str(KNOWN),
    str(KNOWN).upper(),
    "null",
    "2026-02-03T10:00:00Z",
    "(none)",
]
TEXTS = ("Name", "ComputerName", "Status", "Tag")
COLUMNS = [
    *("ID", "StampId", "Name", "ComputerName", "CPUCount", "Memory", "Status", "Tag", "VMId"),
    *("CloudId", "MostRecentTaskId", "AddedTime", "ModifiedTime"),
]
OTHERS = ["Description", "HasSavedState", "TotalSize", "StatusString"]


@pytest.fixture
def rows(fabric, stamp):
    """Return the scope, the table, and machines with odd values."""
    made = [
        VirtualMachine(
            server=fabric.server,
            cloud=fabric.cloud,
            name=name,
            computer_name=NAMES[-at],
            storage_gb=1,
            tag=("", "(none)", "blue", "5")[at % 4],
            cores=at % 3,
            memory_mb=(0, 1, 2**31 - 1)[at % 3],
            status=("Running", "PowerOff", "UnderCreation")[at % 3],
            hypervisor_id=(None, KNOWN, uuid.UUID(int=at), uuid.UUID(int=2**128 - 1))[at % 4],
            most_recent_job_id=KNOWN if at % 2 else None,
            modified_at=THEN if at % 2 else datetime(1999, 12, 31, tzinfo=UTC),
        )
        for at, name in enumerate(NAMES)
    ]
    VirtualMachine.objects.bulk_create(made)
    scope = Scope(
        account=Account(username="olga"),
        caller=VMMCaller(is_administrator=True, principal="olga"),
        stamps=load_stamps(),
    )
    table = VMM_SERVICE.resource(MACHINES).table
    assert table is not None
    return scope, table, [table.row(scope, each) for each in table.told(table.objects(scope))]


constants = (
    st.sampled_from(NAMES)
    | st.sampled_from([None, True, False, 0, 1, 2, 123, 2**31, 2**70, -1, 1.5, 2.0, KNOWN, THEN])
    | st.sampled_from([f"{{{KNOWN}}}", "{{" + str(KNOWN), f" {KNOWN}", "Running", "blue", "\0"])
    | st.sampled_from(["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
    | st.sampled_from(["2026-02-03T10:00:00.123456Z", "1999-12-31", "\ud800", "x" * 500])
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
    | st.uuids()
    | st.datetimes(timezones=st.just(UTC))
    | st.integers()
).map(Literal)
properties = st.sampled_from(COLUMNS + OTHERS).map(lambda name: Property((name,)))
comparisons = st.builds(
    Compare, st.sampled_from(["eq", "ne", "lt", "le", "gt", "ge"]), properties, constants
) | st.builds(Compare, st.sampled_from(["eq", "ne", "lt", "ge"]), constants, properties)


def _part(name: str, prop: Expr, part: Expr) -> Expr:
    return Call(name, (part, prop) if name == "substringof" else (prop, part))


parts = st.builds(
    _part,
    st.sampled_from(["startswith", "endswith", "substringof"]),
    st.sampled_from(TEXTS).map(lambda name: Property((name,))),
    st.sampled_from(["", "w", "we", "WEB", "%", "_", "\\", "'", "ä", "1", "\0"]).map(Literal),
)
asked = parts.flatmap(
    lambda call: (
        st.sampled_from([call, Compare("eq", call, Literal(True))])
        | st.just(Compare("eq", call, Literal(False)))
    )
)
trees = st.recursive(
    comparisons | asked | st.booleans().map(Literal),
    lambda inner: (
        st.builds(Not, inner)
        | st.lists(inner, min_size=2, max_size=3).map(lambda terms: And(tuple(terms)))
        | st.lists(inner, min_size=2, max_size=4).map(lambda terms: Or(tuple(terms)))
    ),
    max_leaves=6,
)
patient = settings(max_examples=200)


@pytest.mark.slow
def test_the_database_agrees_with_the_evaluation(rows):
    scope, table, told = rows
    exact = 0

    @patient
    @given(trees)
    def check(tree: Expr) -> None:
        nonlocal exact
        condition = Condition(tree)
        try:
            passing = {row["ID"] for row in told if condition.passes(row)}
        except BadRequest:
            return
        found, is_exact = filtered(scope, table, MACHINES.type, table.objects(scope), tree)
        kept = set(found.values_list("pk", flat=True))
        assert passing == kept if is_exact else passing <= kept
        exact += is_exact

    check()
    assert exact > 50


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
@pytest.mark.parametrize("op", ["eq", "ne", "lt", "ge"])
def test_the_ends_of_time_are_no_trouble(rows, moment, op):
    scope, table, told = rows
    tree = Compare(op, Property(("AddedTime",)), Literal(parse_datetime(moment)))
    condition = Condition(tree)
    found, is_exact = filtered(scope, table, MACHINES.type, table.objects(scope), tree)
    assert is_exact
    assert found.count() == sum(bool(condition.passes(row)) for row in told)


orders = st.lists(
    st.tuples(st.sampled_from(["Name", "Memory", "VMId", "ModifiedTime", "Status"]), st.booleans()),
    unique_by=lambda each: each[0],
    max_size=3,
).map(tuple)


@pytest.mark.slow
def test_the_database_sorts_and_pages_as_python_does(rows):
    scope, table, told = rows

    @settings(patient, max_examples=25)
    @given(orders.filter(lambda found: all(name != "Status" for name, _ in found)), st.data())
    def check(orderby, data) -> None:
        size, skip = data.draw(st.integers(1, 9)), data.draw(st.integers(0, 5))
        options = QueryOptions(orderby=orderby, skip=skip, top=data.draw(st.integers(0, 30)))
        expected = list(told)
        sort(expected, (*orderby, ("ID", False)))
        expected = expected[skip : skip + options.top]
        for by_database in (True, False):
            seen: list[object] = []
            part = cut(options, ("ID",), size, "here")
            while True:
                if by_database:
                    found = table.objects(scope).order_by(
                        *in_database(MACHINES.type, table, part.sorts)
                    )
                    found = part.of_database(table, MACHINES.type, found)
                    page = [table.row(scope, each) for each in table.told(found)]
                else:
                    page = list(told)
                    sort(page, part.sorts)
                    page = part.of_rows(page)
                shown, token = part.ended(page)
                assert len(shown) <= size
                seen += [row["ID"] for row in shown]
                if token is None:
                    break
                more = QueryOptions(orderby=orderby, skip=skip, top=options.top, skiptoken=token)
                part = cut(more, ("ID",), None, "here")
            assert seen == [row["ID"] for row in expected]

    check()
