"""The shorthand the declarations are written in.

Properties stand in one text per EDM type, separated by blanks; `!` after a name: never null. A
`:` gives the complex or item type, `>` and `>>` the set a navigation leads to, to one or to many.
An action is written with what it takes: `Expand(SizeGB:Int32)`.
"""

from __future__ import annotations

from collections.abc import Mapping

from fabric.odata.schema import PRIMITIVES, ComplexType, EntitySet, EntityType, Nav, Prop


def declare(
    name: str,
    type_name: str,
    *,
    key: str,
    namespace: str = "VMM",
    navs: str = "",
    stream: str | None = None,
    actions: str = "",
    complex: str = "",
    lists: str = "",
    **typed: str,
) -> EntitySet:
    """An entity set and its type."""
    keys = tuple(key.split())
    taken = tuple(_action(word) for word in actions.split())
    return EntitySet(
        name,
        EntityType(
            name=type_name,
            namespace=namespace,
            key=keys,
            props=_props(typed, complex, lists, keys),
            navs=tuple(_nav(word) for word in navs.split()),
            stream=stream,
            actions=tuple(action for action, _ in taken),
            parameters=taken,
        ),
    )


def structure(
    name: str, *, namespace: str = "", complex: str = "", lists: str = "", **typed: str
) -> ComplexType:
    """A complex type."""
    return ComplexType(name, _props(typed, complex, lists, ()), namespace)


def _props(
    typed: Mapping[str, str], complex: str, lists: str, keys: tuple[str, ...]
) -> tuple[Prop, ...]:
    found = []
    for edm_type, names in typed.items():
        for name in names.split():
            bare = name.removesuffix("!")
            found.append(Prop(bare, edm_type, nullable=bare == name and bare not in keys))
    for word in complex.split():
        name, _, item = word.partition(":")
        found.append(Prop(name, f"Complex:{item}"))
    for word in lists.split():
        name, _, item = word.partition(":")
        found.append(Prop(name, f"Collection({_item(item)})", nullable=False))
    return tuple(sorted(found, key=lambda prop: prop.name))


def _item(name: str) -> str:
    return name if name in PRIMITIVES else f"Complex:{name}"


def _action(word: str) -> tuple[str, tuple[Prop, ...]]:
    name, _, inside = word.removesuffix(")").partition("(")
    pairs = (each.partition(":") for each in inside.split(",") if each)
    return name, tuple(Prop(each, edm_type) for each, _, edm_type in pairs)


def _nav(word: str) -> Nav:
    name, _, target = word.partition(">")
    return Nav(name, target.lstrip(">"), many=target.startswith(">"))
