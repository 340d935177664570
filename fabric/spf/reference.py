"""Tells the declarations of a service as a page for people: docs/spf-reference.md.

Written from the same objects that answer calls, so it cannot say what the service does not do.
"""

from __future__ import annotations

from collections.abc import Iterable

from fabric.odata.schema import ComplexType, EntitySet, EntityType, Model, Prop
from fabric.spf.schema import Resource, Service

_HEAD = """# Reference of the SPF service

Written by `manage.py spf_reference`; do not edit. How the service is used, and what it decided
where Microsoft's documents are silent, is in [spf.md](spf.md).

A property in **bold** is never null; `POST` and `PUT` say where it is read from a body (`POST!`:
without it the entity is refused). PUT, MERGE and PATCH are the same: what is absent or null stays.
Navigations lead to the set named. A set that says *empty* is announced for clients that look for
it, and has no rows here.
"""


def page(services: Iterable[tuple[str, Service]]) -> str:
    """The whole page in Markdown, services by the names given."""
    parts = [_HEAD]
    for title, service in services:
        parts.append(f"## {title}\n")
        parts += [_set(service, service.model.sets[name]) for name in sorted(service.model.sets)]
        parts += _structures(service.model)
    return "\n".join(parts)


def _set(service: Service, entity_set: EntitySet) -> str:
    resource, entity = service.resource(entity_set), entity_set.type
    lines = [
        f"### {entity_set.name}\n",
        f"`{entity.full_name}`, key {', '.join(entity.key)}. {_verbs(resource, entity)}\n",
    ]
    if resource.refusal:
        lines.append(f"{resource.refusal}\n")
    if resource.needs:
        lines.append(f"Read only with {' and '.join(resource.needs)} in `$filter`.\n")
    kept = sorted({prop.name for prop in entity.props} - service.filters(entity_set))
    if resource.sources and kept:
        lines.append(f"Not for `$filter` and `$orderby`: {', '.join(kept)}.\n")
    lines += ["| property | type | body |", "|---|---|---|"]
    lines += [_property(service.model, resource, prop) for prop in entity.props]
    if entity.stream:
        lines.append(f"| {entity.stream} | named stream, `{entity.stream_type}` | |")
    navs = [_navigation(resource, nav.name, nav.target_set, nav.many) for nav in entity.navs]
    if navs:
        lines += ["\nNavigations: " + "; ".join(navs) + "."]
    return "\n".join(lines) + "\n"


def _verbs(resource: Resource, entity: EntityType) -> str:
    if not resource.sources:
        return "*Empty.*"
    found = ["GET"]
    found += ["POST"] * (resource.create is not None)
    found += ["PUT"] * (resource.update is not None)
    found += ["DELETE"] * (resource.delete is not None)
    found += [f"$links/{name}" for name in sorted(resource.links)]
    found += [f"POST {name}({_taken(entity, name)})" for name in sorted(resource.actions)]
    return ", ".join(found) + "."


def _taken(entity: EntityType, action: str) -> str:
    return ", ".join(prop.name for prop in entity.parameters_of(action))


def _property(model: Model, resource: Resource, prop: Prop) -> str:
    read = []
    if resource.create is not None and prop.name in resource.create.takes:
        read.append("POST!" if prop.name in resource.create.requires else "POST")
    if resource.update is not None and prop.name in resource.update.takes:
        read.append("PUT")
    is_never_null = not prop.nullable and not prop.is_collection
    name = f"**{prop.name}**" if is_never_null else prop.name
    return f"| {name} | {_type(model, prop)} | {' '.join(read)} |".replace("|  |", "| |")


def _type(model: Model, prop: Prop) -> str:
    return model.type_name(prop).removeprefix("Edm.").replace("(Edm.", "(")


def _navigation(resource: Resource, name: str, target: str, many: bool) -> str:
    leads = f"{name} → {target}{' (many)' if many else ''}"
    return leads if name in resource.joins or not resource.sources else f"{leads}, empty"


def _structures(model: Model) -> list[str]:
    found = [model.complex_types[name] for name in sorted(model.complex_types)]
    return ["### Complex types\n", *(_structure(model, each) for each in found)] if found else []


def _structure(model: Model, declared: ComplexType) -> str:
    members = (f"{prop.name} {_type(model, prop)}" for prop in declared.props)
    return f"`{model.complex_full_name(declared.name)}`: {', '.join(members)}.\n"
