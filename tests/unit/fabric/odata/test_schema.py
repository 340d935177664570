"""Declarations of a service."""

from __future__ import annotations

import pytest

from fabric.odata.errors import NotFound
from fabric.odata.schema import Model, Prop


def test_sets_are_found_in_any_case(model: Model) -> None:
    assert model.set("virtualMACHINES").name == "VirtualMachines"
    with pytest.raises(NotFound) as caught:
        model.set("Nothing")
    assert caught.value.message == "Resource not found for the segment 'Nothing'."


def test_types_know_their_written_names(model: Model) -> None:
    assert model.type_name(Prop("A", "Guid")) == "Edm.Guid"
    assert model.type_name(Prop("A", "Collection(Int32)")) == "Collection(Edm.Int32)"
    assert model.type_name(Prop("A", "Complex:UserAndRole")) == "VMM.UserAndRole"
    assert model.type_name(Prop("A", "Collection(Complex:Message)")) == (
        "Collection(MicrosoftCompute.Message)"
    )


@pytest.mark.parametrize("name", ["Text", "Edm.Guid", "Collection(Thing)", ""])
def test_an_unknown_type_is_a_mistake_of_the_declaration(name: str) -> None:
    with pytest.raises(ValueError, match="unknown type"):
        Prop("A", name)
