"""What a service declares: entity sets, their types, properties and navigations.

`$metadata`, both body formats and the URL parser are all driven by one `Model`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fabric.odata.errors import NotFound

PRIMITIVES = frozenset(
    {
        "Binary",
        "Boolean",
        "Byte",
        "DateTime",
        "Decimal",
        "Double",
        "Guid",
        "Int16",
        "Int32",
        "Int64",
        "String",
    }
)


@dataclass(frozen=True, slots=True)
class Prop:
    """A property; `type` is an EDM short name, `Complex:Name`, or either inside `Collection(…)`."""

    name: str
    type: str
    nullable: bool = True

    def __post_init__(self) -> None:
        if not self.complex_name and self.item_type not in PRIMITIVES:
            raise ValueError(f"property {self.name}: unknown type {self.type}")

    @property
    def is_collection(self) -> bool:
        """Whether the value is a list."""
        return self.type.startswith("Collection(")

    @property
    def item_type(self) -> str:
        """The type without `Collection(…)` around it."""
        return self.type[len("Collection(") : -1] if self.is_collection else self.type

    @property
    def complex_name(self) -> str:
        """The name of the complex type, or nothing for a primitive one."""
        item = self.item_type
        return item[len("Complex:") :] if item.startswith("Complex:") else ""


@dataclass(frozen=True, slots=True)
class Nav:
    """A navigation to the entities of another set."""

    name: str
    target_set: str
    many: bool


@dataclass(frozen=True, slots=True)
class ComplexType:
    """A structured value without a key; an empty namespace means the model's own."""

    name: str
    props: tuple[Prop, ...]
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class EntityType:
    """A keyed type; `stream` names its media property, `actions` are bound to one entity.

    `parameters` are what an action takes, under its name.
    """

    name: str
    namespace: str
    key: tuple[str, ...]
    props: tuple[Prop, ...]
    navs: tuple[Nav, ...] = ()
    stream: str | None = None
    actions: tuple[str, ...] = ()
    stream_type: str = "application/x-rdp"
    parameters: tuple[tuple[str, tuple[Prop, ...]], ...] = ()

    @property
    def full_name(self) -> str:
        """The name as it stands in category terms and annotations, `VMM.Cloud`."""
        return f"{self.namespace}.{self.name}"

    def prop(self, name: str) -> Prop | None:
        """The property of exactly this name, if there is one."""
        return next((prop for prop in self.props if prop.name == name), None)

    def parameters_of(self, action: str) -> tuple[Prop, ...]:
        """What an action takes beside the entity it is bound to."""
        return dict(self.parameters).get(action, ())

    def nav(self, name: str) -> Nav | None:
        """The navigation of exactly this name, if there is one."""
        return next((nav for nav in self.navs if nav.name == name), None)


@dataclass(frozen=True, slots=True)
class EntitySet:
    """A named collection of entities of one type."""

    name: str
    type: EntityType


# Compared by identity, so that what is compiled from a model can be cached under it.
@dataclass(frozen=True, eq=False)
class Model:
    """Everything one service publishes."""

    namespace: str
    container: str
    sets: Mapping[str, EntitySet]
    complex_types: Mapping[str, ComplexType]
    _by_lower_name: dict[str, EntitySet] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        lowered = {name.lower(): entity_set for name, entity_set in self.sets.items()}
        object.__setattr__(self, "_by_lower_name", lowered)

    def set(self, name: str) -> EntitySet:
        """The set of this name in any case; raises NotFound."""
        found = self._by_lower_name.get(name.lower())
        if found is None:
            raise NotFound(f"Resource not found for the segment '{name}'.")
        return found

    def complex_full_name(self, name: str) -> str:
        """The qualified name of a complex type, `VMM.UserAndRole`."""
        return f"{self.complex_types[name].namespace or self.namespace}.{name}"

    def type_name(self, prop: Prop) -> str:
        """The type of a property as it is written in `$metadata` and in `m:type`."""
        item = prop.complex_name
        full = self.complex_full_name(item) if item else f"Edm.{prop.item_type}"
        return f"Collection({full})" if prop.is_collection else full
