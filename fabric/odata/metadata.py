"""The service's description of itself (EDMX 1.0 around CSDL 2009/11), written and read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypedDict
from xml.etree.ElementTree import Element

from fabric.odata.errors import BadRequest
from fabric.odata.schema import ComplexType, EntitySet, EntityType, Model, Nav, Prop
from fabric.odata.xml import DECLARATION, METADATA, child, escape, local_name, parse

EDMX: Final = "http://schemas.microsoft.com/ado/2007/06/edmx"
CSDL: Final = "http://schemas.microsoft.com/ado/2009/11/edm"


class SetDescription(TypedDict):
    """What a client needs to know about one set of a foreign service."""

    type: str
    key: tuple[str, ...]
    properties: set[str]
    navigations: set[str]


def document(model: Model) -> bytes:
    """The `$metadata` of a model; one schema per namespace, the container in the model's own."""
    types = {entity_set.type.full_name: entity_set.type for entity_set in model.sets.values()}
    complex_types = model.complex_types.values()
    namespaces = [model.namespace]
    for namespace in [t.namespace for t in types.values()] + [c.namespace for c in complex_types]:
        if namespace and namespace not in namespaces:
            namespaces.append(namespace)
    out = [
        f'{DECLARATION}<edmx:Edmx Version="1.0" xmlns:edmx="{EDMX}">',
        f'<edmx:DataServices xmlns:m="{METADATA}" m:DataServiceVersion="3.0" '
        'm:MaxDataServiceVersion="3.0">',
    ]
    for namespace in namespaces:
        entities = [types[name] for name in sorted(types) if types[name].namespace == namespace]
        out.append(f'<Schema Namespace="{namespace}" xmlns="{CSDL}">')
        out += [_entity_type(model, entity) for entity in entities]
        for name in sorted(model.complex_types):
            declared = model.complex_types[name]
            if (declared.namespace or model.namespace) == namespace:
                out.append(_complex_type(model, declared))
        out += [_association(model, entity, nav) for entity in entities for nav in entity.navs]
        if namespace == model.namespace:
            out.append(_container(model))
        out.append("</Schema>")
    out.append("</edmx:DataServices></edmx:Edmx>")
    return "".join(out).encode()


def _entity_type(model: Model, entity: EntityType) -> str:
    keys = "".join(f'<PropertyRef Name="{name}" />' for name in entity.key)
    stream = (
        f'<Property Name="{entity.stream}" Type="Edm.Stream" Nullable="false" />'
        if entity.stream
        else ""
    )
    navs = "".join(
        f'<NavigationProperty Name="{nav.name}" Relationship="{_relation(entity, nav)}" '
        f'ToRole="{nav.name}" FromRole="{_from_role(entity, nav)}" />'
        for nav in entity.navs
    )
    props = "".join(_property(model, prop, prop.name in entity.key) for prop in entity.props)
    return f'<EntityType Name="{entity.name}"><Key>{keys}</Key>{props}{stream}{navs}</EntityType>'


def _complex_type(model: Model, declared: ComplexType) -> str:
    props = "".join(_property(model, prop, False) for prop in declared.props)
    return f'<ComplexType Name="{declared.name}">{props}</ComplexType>'


def _property(model: Model, prop: Prop, is_key: bool) -> str:
    required = is_key or not prop.nullable or prop.is_collection
    nullable = ' Nullable="false"' if required else ""
    return f'<Property Name="{prop.name}" Type="{escape(model.type_name(prop))}"{nullable} />'


def _relation(entity: EntityType, nav: Nav) -> str:
    return f"{entity.namespace}.{entity.name}_{nav.name}"


def _from_role(entity: EntityType, nav: Nav) -> str:
    # The two roles of an association must differ.
    return entity.name if entity.name != nav.name else f"{entity.name}Source"


def _association(model: Model, entity: EntityType, nav: Nav) -> str:
    target = model.set(nav.target_set).type
    return (
        f'<Association Name="{entity.name}_{nav.name}">'
        f'<End Type="{target.full_name}" Role="{nav.name}" '
        f'Multiplicity="{"*" if nav.many else "0..1"}" />'
        f'<End Type="{entity.full_name}" Role="{_from_role(entity, nav)}" Multiplicity="*" />'
        "</Association>"
    )


def _container(model: Model) -> str:
    sets = [model.sets[name] for name in sorted(model.sets)]
    out = [f'<EntityContainer Name="{model.container}" m:IsDefaultEntityContainer="true">']
    out += [f'<EntitySet Name="{s.name}" EntityType="{s.type.full_name}" />' for s in sets]
    for name in sorted({action for s in sets for action in s.type.actions}):
        out += [
            _action(model, name, s) for s in _first_of_each_type(sets) if name in s.type.actions
        ]
    for each in sets:
        out += [_association_set(model, each, nav, sets) for nav in each.type.navs]
    out.append("</EntityContainer>")
    return "".join(out)


def _first_of_each_type(sets: list[EntitySet]) -> list[EntitySet]:
    return list({each.type.full_name: each for each in reversed(sets)}.values())


def _action(model: Model, name: str, bound_to: EntitySet) -> str:
    given = "".join(
        f'<Parameter Name="{prop.name}" Type="{escape(model.type_name(prop))}" />'
        for prop in bound_to.type.parameters_of(name)
    )
    return (
        f'<FunctionImport Name="{name}" IsBindable="true" m:IsAlwaysBindable="true" '
        f'IsSideEffecting="true"><Parameter Name="bindingParameter" '
        f'Type="{bound_to.type.full_name}" />{given}</FunctionImport>'
    )


def _association_set(model: Model, owner: EntitySet, nav: Nav, sets: list[EntitySet]) -> str:
    entity = owner.type
    name = f"{entity.name}_{nav.name}"
    if next(each for each in sets if each.type.full_name == entity.full_name) is not owner:
        name = f"{owner.name}_{nav.name}"
    return (
        f'<AssociationSet Name="{name}" Association="{_relation(entity, nav)}">'
        f'<End Role="{_from_role(entity, nav)}" EntitySet="{owner.name}" />'
        f'<End Role="{nav.name}" EntitySet="{model.set(nav.target_set).name}" />'
        "</AssociationSet>"
    )


def read(body: bytes) -> dict[str, SetDescription]:
    """The entity sets of a foreign service by name; raises BadRequest when it is no EDMX."""
    root = parse(body)
    if local_name(root) != "Edmx":
        raise BadRequest("The body is not a metadata document.")
    types: dict[str, Element] = {}
    sets: list[tuple[str, str]] = []
    for schema in (each for each in root.iter() if local_name(each) == "Schema"):
        prefixes = [name for name in (schema.get("Namespace"), schema.get("Alias")) if name]
        for entity in _children(schema, "EntityType"):
            types |= {f"{prefix}.{entity.get('Name')}": entity for prefix in prefixes}
        for container in _children(schema, "EntityContainer"):
            for each in _children(container, "EntitySet"):
                sets.append((each.get("Name", ""), each.get("EntityType", "")))
    return {name: _description(kind, types) for name, kind in sets if name}


def _description(kind: str, types: dict[str, Element]) -> SetDescription:
    found: SetDescription = {"type": kind, "key": (), "properties": set(), "navigations": set()}
    seen: set[str] = set()
    base: str = kind
    while base in types and base not in seen:
        seen.add(base)
        entity = types[base]
        key = child(entity, "Key")
        if key is not None:
            found["key"] = tuple(ref.get("Name", "") for ref in _children(key, "PropertyRef"))
        found["properties"] |= {p.get("Name", "") for p in _children(entity, "Property")}
        navs = _children(entity, "NavigationProperty")
        found["navigations"] |= {nav.get("Name", "") for nav in navs}
        base = entity.get("BaseType", "")
    return found


def _children(element: Element, name: str) -> Iterator[Element]:
    return (each for each in element if local_name(each) == name)
