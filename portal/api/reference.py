"""The description of the interface as people read it: tags, operations, fields, curl lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify

from portal.api.frame.openapi import document

METHODS = ("get", "post", "put", "patch", "delete")
DEEPEST = 3
ROOT = "/api/v1"
WIDEST = 70
# In the order in which people come to need them; what is not named follows by its name.
ORDER = (
    "Me and my tenants",
    "New machines",
    "Machines",
    "Machine commands",
    "Operations",
    "Disks",
    "Network adapters",
    "Checkpoints",
    "Catalogue",
    "Plans",
    "Subscriptions",
    "Groups",
    "Schedules",
    "Team",
    "API keys",
    "Activity",
)


@dataclass(frozen=True)
class Field:
    """A field of an object, or a parameter. `name` of a nested one has its way: guest.password."""

    name: str
    type: str
    is_needed: bool
    text: SafeString
    where: str = ""


@dataclass(frozen=True)
class Answered:
    """One status an operation can answer with."""

    status: str
    text: SafeString
    shape: str = ""


@dataclass(frozen=True)
class Operation:
    """A method of an address."""

    id: str
    method: str
    path: str
    summary: str
    text: list[SafeString]
    parameters: list[Field]
    body: list[Field]
    answers: list[Answered]
    curl: str

    @property
    def short_path(self) -> str:
        return self.path.removeprefix(ROOT)


@dataclass
class Tag:
    """Operations on one noun, and the objects they answer with."""

    title: str
    operations: list[Operation] = field(default_factory=list)
    shapes: dict[str, list[Field]] = field(default_factory=dict)

    @property
    def slug(self) -> str:
        return slugify(self.title)


@lru_cache(maxsize=1)
def tags() -> dict[str, Tag]:
    """Return the tags by their slugs, in their order."""
    described = document()
    found: dict[str, Tag] = {}
    for path, methods in described["paths"].items():
        for method in METHODS:
            if method in methods:
                told = methods[method]
                tag = found.setdefault(told["tags"][0], Tag(told["tags"][0]))
                tag.operations.append(_operation(described, path, method, told))
                _add_shapes(described, tag, told)
    places = {title: place for place, title in enumerate(ORDER)}
    in_order = sorted(found.values(), key=lambda tag: (places.get(tag.title, 99), tag.title))
    return {tag.slug: tag for tag in in_order}


def words(text: str) -> SafeString:
    """Return a text with what stands in backticks as code."""
    parts = str(text).split("`")
    return mark_safe(  # noqa: S308 - every part is escaped
        "".join(
            format_html("<code>{}</code>", part) if index % 2 else conditional_escape(part)
            for index, part in enumerate(parts)
        )
    )


def _operation(described: Any, path: str, method: str, told: Mapping[str, Any]) -> Operation:
    body = told.get("requestBody", {}).get("content", {}).get("application/json", {})
    return Operation(
        id=told["operationId"],
        method=method.upper(),
        path=path,
        summary=told["summary"],
        text=[words(part) for part in told.get("description", "").split("\n\n") if part],
        parameters=[
            Field(
                one["name"],
                _type(described, one["schema"]),
                bool(one.get("required")),
                words(one.get("description", "")),
                one["in"],
            )
            for one in sorted(told.get("parameters", ()), key=lambda one: one["in"] == "header")
        ],
        body=list(_fields(described, body["schema"])) if body else [],
        answers=[
            Answered(status, words(answer.get("description", "")), _shape_of(answer))
            for status, answer in told["responses"].items()
        ],
        curl=_curl(path, method, body),
    )


def _shape_of(answer: Mapping[str, Any]) -> str:
    for content in answer.get("content", {}).values():
        name: str = content["schema"].get("$ref", "").rpartition("/")[2]
        return name
    return ""


def _add_shapes(described: Any, tag: Tag, told: Mapping[str, Any]) -> None:
    for status, answer in told["responses"].items():
        name = _shape_of(answer)
        if name and status < "300" and name not in tag.shapes:
            schema = described["components"]["schemas"][name]
            tag.shapes[name] = list(_fields(described, schema))


def _fields(
    described: Any, schema: Mapping[str, Any], before: str = "", depth: int = 0
) -> Iterator[Field]:
    """Yield the fields of an object, those of objects in it after it."""
    schema = _resolved(described, schema)
    needed = schema.get("required", ())
    for name, inner in schema.get("properties", {}).items():
        full = f"{before}{name}"
        text = words(inner.get("description", ""))
        yield Field(full, _type(described, inner), name in needed, text)
        if depth < DEEPEST:
            items = inner.get("items")
            deeper = f"{full}[]." if items else f"{full}."
            yield from _fields(described, items or inner, deeper, depth + 1)


def _resolved(described: Any, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    for choice in ("allOf", "oneOf", "anyOf"):
        for part in schema.get(choice, ()):
            if "$ref" in part:
                schema = part
    if "$ref" in schema:
        found: Mapping[str, Any] = described["components"]["schemas"][
            schema["$ref"].rpartition("/")[2]
        ]
        return found
    return schema


def _type(described: Any, schema: Mapping[str, Any]) -> str:
    """Return a type in a few words: `uuid or null`, `array of text`."""
    plain = {"string": "text", "integer": "integer", "number": "number", "boolean": "true or false"}
    if "items" in schema:
        return f"array of {_type(described, schema['items'])}"
    if schema.get("enum"):
        return ", ".join(str(value) for value in schema["enum"] if value is not None)
    if "$ref" in schema or any(key in schema for key in ("allOf", "oneOf", "anyOf")):
        return "object" + (" or null" if _may_be_null(schema) else "")
    kinds = schema.get("type", "object")
    kinds = [kinds] if isinstance(kinds, str) else list(kinds)
    named = [schema.get("format") or plain.get(kind, kind) for kind in kinds if kind != "null"]
    limits = "".join(
        f", {word} {schema[key]}"
        for key, word in (("minimum", "from"), ("maximum", "to"), ("maxLength", "at most"))
        if key in schema and schema[key] < 2**31 - 1
    )
    return " ".join(named) + limits + (" or null" if "null" in kinds else "")


def _may_be_null(schema: Mapping[str, Any]) -> bool:
    parts = [*schema.get("oneOf", ()), *schema.get("anyOf", ())]
    return any(part.get("type") == "null" for part in parts)


def _curl(path: str, method: str, body: Mapping[str, Any]) -> str:
    lines = ["curl" if method == "get" else f"curl -X {method.upper()}"]
    lines[0] += f" {settings.TENANT_SITE_URL.rstrip('/')}{path}"
    lines.append('-H "Authorization: Bearer $KATAL_KEY"')
    if method == "post":
        lines.append('-H "Idempotency-Key: $(uuidgen)"')
    example = next(iter(body.get("examples", {}).values()), None) if body else None
    if example:
        lines.append('-H "Content-Type: application/json"')
        told = json.dumps(example["value"], ensure_ascii=False)
        if len(told) > WIDEST:
            told = json.dumps(example["value"], ensure_ascii=False, indent=2)
        lines.append(f"-d '{told}'")
    return " \\\n  ".join(lines)
