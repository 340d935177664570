"""Whatever a server writes in any format, a server and a client read back."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from types import ModuleType
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabric.odata import atom, jsonfmt
from fabric.odata.literals import from_json
from fabric.odata.negotiate import Format
from fabric.odata.schema import Model, Prop

# Characters XML cannot carry are replaced, so they cannot make the trip.
texts = st.text(
    st.characters(
        exclude_categories=["Cs", "Cc"],
        exclude_characters="\ufffe\uffff",
        include_characters="\r\n\t",
    ),
    max_size=20,
)
# Hypothesis wants its bounds without a zone.
FIRST, LAST = datetime.fromisoformat("1900-01-01"), datetime.fromisoformat("2200-01-01")
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
rows = st.fixed_dictionaries(
    {"ID": st.uuids(), "StampId": st.uuids()},
    optional={
        "Name": texts | st.none(),
        "CPUCount": st.integers(0, 255) | st.none(),
        "Memory": st.integers(-(2**31), 2**31 - 1),
        "Enabled": st.booleans() | st.none(),
        "TotalSize": st.integers(-(2**63), 2**63 - 1),
        "QuotaPoint": st.decimals(-(10**9), 10**9, places=3).map(Decimal),
        "Load": st.floats(allow_nan=False),
        "Thumbprint": st.binary(max_size=20),
        "AddedTime": st.datetimes(FIRST, LAST, timezones=zones),
        "VMId": st.uuids() | st.none(),
        "Owner": st.fixed_dictionaries(
            {"UserName": texts, "RoleName": texts, "RoleID": st.uuids()}
        ),
        "Tags": st.lists(texts, max_size=3),
        "Ports": st.lists(st.integers(0, 65535), max_size=3),
        "NewVirtualNetworkAdapterInput": st.lists(
            st.fixed_dictionaries(
                {"VMNetworkName": texts, "VLanEnabled": st.booleans(), "VLanId": st.none()}
            ),
            max_size=2,
        ),
    },
)

FORMATS = list(Format)


def module(fmt: Format) -> ModuleType:
    return jsonfmt if fmt.is_json else atom


def as_written(model: Model, row: dict[str, object]) -> dict[str, object]:
    """The row with what the writers add: nulls, and nulls within complex values."""
    full: dict[str, object] = {}
    for prop in model.set("VirtualMachines").type.props:
        value = row.get(prop.name)
        if value is None and prop.is_collection:
            value = []
        elif value is None and prop.complex_name:
            value = {member.name: None for member in model.complex_types[prop.complex_name].props}
        full[prop.name] = value
    return full


@pytest.mark.parametrize("fmt", FORMATS)
def test_a_server_reads_what_a_server_writes(model: Model, root: str, fmt: Format) -> None:
    @settings(max_examples=50)
    @given(rows)
    def check(row: dict[str, object]) -> None:
        body = module(fmt).entry(model, "VirtualMachines", row, root=root, fmt=fmt)

        assert module(fmt).read_entry(body, model, "VirtualMachines") == as_written(model, row)

    check()


@pytest.mark.parametrize("fmt", FORMATS)
def test_a_client_reads_what_a_server_writes(model: Model, root: str, fmt: Format) -> None:
    def typed(prop: Prop, value: object) -> object:
        return value if prop.is_collection or prop.complex_name else from_json(value, prop.type)

    @settings(max_examples=30)
    @given(st.lists(rows, max_size=3))
    def check(many: list[dict[str, object]]) -> None:
        body = module(fmt).feed(model, "VirtualMachines", many, root=root, fmt=fmt, count=len(many))

        found, next_link, count = module(fmt).read_feed(body)
        assert (len(found), next_link, count) == (len(many), None, len(many))
        props = [p for p in model.set("VirtualMachines").type.props if p.type in SIMPLE]
        for row, original in zip(found, many, strict=True):
            for prop in props:
                assert typed(prop, row[prop.name]) == original.get(prop.name)

    check()


SIMPLE = {"Guid", "String", "Boolean", "Byte", "Int32", "Int64", "Decimal", "Double", "DateTime"}


def test_both_families_of_formats_tell_a_client_the_same(model: Model, root: str) -> None:
    row: dict[str, object] = {
        "ID": UUID(int=1),
        "StampId": UUID(int=2),
        "Name": "web-01",
        "Memory": 8192,
        "Tags": ["a"],
        "Owner": {"UserName": "alice"},
        "VirtualNetworkAdapters": [{"ID": UUID(int=3), "StampId": UUID(int=2)}],
    }
    bodies = {
        fmt: module(fmt).entry(
            model, "VirtualMachines", row, root=root, fmt=fmt, expand=("VirtualNetworkAdapters",)
        )
        for fmt in FORMATS
    }

    told = [module(fmt).read_object(body) for fmt, body in bodies.items()]

    assert all(each == told[0] for each in told)
