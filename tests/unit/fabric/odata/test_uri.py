"""Paths as published clients write them, and the URLs we hand out."""

from __future__ import annotations

from urllib.parse import unquote
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabric.odata.errors import BadRequest, NotFound
from fabric.odata.schema import Model
from fabric.odata.uri import Kind, ResourcePath, entity_url, parse_path

STAMP = UUID("5a1c3f0e-2b7d-4c66-9d0e-8f31b0a4c201")
MACHINE = UUID("b81e5c37-4f02-49a6-97d3-2ac60e8f1b05")
KEY = f"(ID=guid'{MACHINE}',StampId=guid'{STAMP}')"


def first_keys(path: ResourcePath) -> dict[str, object]:
    keys = path.segments[0].keys
    assert keys is not None
    return dict(keys)


@pytest.mark.parametrize("path", ["Clouds", "Clouds()", "/clouds/", "CLOUDS( )"])
def test_a_set_is_found_in_any_case_and_with_empty_parentheses(model: Model, path: str) -> None:
    found = parse_path(path, model)

    assert [segment.name for segment in found.segments] == ["Clouds"]
    assert found.segments[0].kind is Kind.SET
    assert not found.is_single


@pytest.mark.parametrize(
    "path",
    [
        f"VirtualMachines(ID=guid'{MACHINE}',StampId=guid'{STAMP}')",
        f"VirtualMachines(StampId=guid'{STAMP}',ID=guid'{MACHINE}')",
        f"virtualmachines( stampid = Guid'{{{STAMP}}}' , id = Guid'{str(MACHINE).upper()}' )",
        f"VirtualMachines(ID='{MACHINE}',StampId='{STAMP}')",
    ],
)
def test_two_keys_are_read_in_any_order_case_and_spelling(model: Model, path: str) -> None:
    found = parse_path(path, model)

    assert first_keys(found) == {"ID": MACHINE, "StampId": STAMP}
    assert found.is_single


@pytest.mark.parametrize("path", ["UserRoles(guid'{}')", "UserRoles(ID=guid'{}')", "UserRoles/{}"])
def test_a_single_key_may_be_unnamed_named_or_a_segment(model: Model, path: str) -> None:
    found = parse_path(path.format(STAMP), model)

    assert first_keys(found) == {"ID": STAMP}
    assert found.is_single


def test_text_keys_take_slashes_quotes_and_numbers(model: Model) -> None:
    assert first_keys(parse_path("CloudServices('a/b, it''s (c)')", model)) == {
        "Name": "a/b, it's (c)"
    }
    assert first_keys(parse_path("CloudServices(123)", model)) == {"Name": "123"}
    assert first_keys(parse_path("CloudServices/O'Brien", model)) == {"Name": "O'Brien"}


def test_keys_as_segments_continue_below_a_navigation(model: Model) -> None:
    found = parse_path("CloudServices/shop/Resources/MicrosoftCompute", model)

    assert [segment.name for segment in found.segments] == ["CloudServices", "Resources"]
    assert found.segments[1].keys == {"Kind": "MicrosoftCompute"}
    assert found.is_single


def test_navigations_know_where_they_lead(model: Model) -> None:
    many = parse_path(f"VirtualMachines{KEY}/virtualnetworkadapters", model)
    one = parse_path(f"VirtualMachines{KEY}/Cloud", model)

    assert many.segments[1].name == "VirtualNetworkAdapters"
    assert many.set is model.sets["VirtualNetworkAdapters"]
    assert not many.is_single
    assert one.set is model.sets["Clouds"]
    assert one.is_single


def test_special_segments_are_told_apart(model: Model) -> None:
    assert parse_path("", model).is_service_document
    assert parse_path("/$metadata", model).is_metadata
    assert parse_path("$batch", model).is_batch
    assert parse_path("Clouds/$count", model).is_count
    assert parse_path(f"VirtualMachines{KEY}/VMConnection", model).stream == "VMConnection"
    assert parse_path(f"VirtualMachines{KEY}/VMConnection/$value", model).is_value
    (name,) = parse_path(f"VirtualMachines{KEY}/name/$value", model).members
    assert name.name == "Name"


def test_properties_inside_of_properties_are_reached(model: Model) -> None:
    found = parse_path(f"VirtualMachines{KEY}/owner/USERNAME/$value", model)

    assert [prop.name for prop in found.members] == ["Owner", "UserName"]
    assert found.is_value


@pytest.mark.parametrize("name", ["Expand", "expand()", "VMM.Expand"])
def test_an_action_ends_the_path(model: Model, name: str) -> None:
    assert parse_path(f"VirtualMachines{KEY}/{name}", model).action == "Expand"


def test_links_name_the_navigation(model: Model) -> None:
    found = parse_path(f"UserRoles(guid'{STAMP}')/$links/Clouds", model)

    assert found.is_links
    assert found.entities[-1].name == "Clouds"
    assert not found.is_single


@pytest.mark.parametrize(
    "path",
    [
        "Nothing",
        "$nothing",
        "Clouds/Name",
        "UserRoles/no-guid",
        "Clouds/$value",
        "$metadata/Clouds",
        f"VirtualMachines{KEY}/Nothing",
        f"VirtualMachines{KEY}/Name/More",
        f"VirtualMachines{KEY}/Owner/More",
        f"VirtualMachines{KEY}/Owner/$value",
        f"VirtualMachines{KEY}/Tags/$value",
        f"VirtualMachines{KEY}/Tags/Length",
        f"VirtualMachines{KEY}/NewVirtualNetworkAdapterInput/VLanId",
        f"VirtualMachines{KEY}/Expand/More",
        f"VirtualMachines{KEY}/$count",
        f"VirtualMachines{KEY}/$links/Name",
        "VirtualMachines/$links/Cloud",
    ],
)
def test_unknown_segments_are_not_found(model: Model, path: str) -> None:
    with pytest.raises(NotFound, match="Resource not found for the segment"):
        parse_path(path, model)


@pytest.mark.parametrize(
    "path",
    [
        "Clouds(",
        "Clouds(guid'x'",
        f"Clouds(guid'{STAMP}')",
        f"Clouds(ID=guid'{STAMP}')",
        f"Clouds(ID=guid'{STAMP}',Id=guid'{STAMP}')",
        f"Clouds(ID=guid'{STAMP}',Other=guid'{STAMP}')",
        f"Clouds(ID=null,StampId=guid'{STAMP}')",
        f"Clouds(ID=5,StampId=guid'{STAMP}')",
        "/".join(["Clouds"] * 30),
    ],
)
def test_broken_keys_are_bad_requests(model: Model, path: str) -> None:
    with pytest.raises(BadRequest):
        parse_path(path, model)


def test_entity_urls_name_two_keys_and_leave_one_bare() -> None:
    assert entity_url("VirtualMachines", {"StampId": STAMP, "ID": MACHINE}) == (
        f"VirtualMachines(ID=guid'{MACHINE}',StampId=guid'{STAMP}')"
    )
    assert entity_url("Tenants", {"ID": STAMP}) == f"Tenants(guid'{STAMP}')"
    assert entity_url("CloudServices", {"Name": "a b/c?"}) == "CloudServices('a%20b%2Fc%3F')"


@given(st.text(min_size=1))
def test_any_text_key_survives_its_url(model: Model, name: str) -> None:
    try:
        url = entity_url("CloudServices", {"Name": name})
    except UnicodeEncodeError:
        return

    assert first_keys(parse_path(unquote(url), model)) == {"Name": name}


@given(st.text(max_size=60))
def test_no_path_breaks_the_parser(model: Model, path: str) -> None:
    try:
        parse_path(path, model)
    except (BadRequest, NotFound):
        pass
