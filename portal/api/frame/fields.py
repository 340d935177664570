"""What bodies and queries may hold: strict in types, unknown names refused with a pointer.

`Given` is a body, `Asked` a query, `Shape` what an answer looks like (for the description only:
answers are made by hand, and tests hold them to their shapes).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import serializers

from portal.problems import Problem

BIGGEST = 2**31 - 1
LONGEST_TEXT = 10_000
MOST_ERRORS = 100
NO_SUCH = gettext_lazy("There is no such field.")


class Text(serializers.CharField):
    """A JSON string; numbers are not taken for one."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("max_length", LONGEST_TEXT)
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Whole(serializers.IntegerField):
    """A JSON integer; neither text nor true is taken for one."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"min_value": 0, "max_value": BIGGEST} | options)

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return data


class Flag(serializers.BooleanField):
    """true or false."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Id(serializers.UUIDField):
    """A UUID as a JSON string."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or len(data) > 45:
            self.fail("invalid", value=str(data)[:45])
        return super().to_internal_value(data)


class Moment(serializers.DateTimeField):
    """A time in ISO 8601."""

    def to_internal_value(self, value: Any) -> Any:
        if not isinstance(value, str) or len(value) > 40:
            self.fail("invalid", format="YYYY-MM-DDThh:mm:ssZ")
        try:
            return super().to_internal_value(value)
        except (OverflowError, ValueError):
            self.fail("invalid", format="YYYY-MM-DDThh:mm:ssZ")


class OneOf(serializers.ChoiceField):
    """One of some words."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid_choice", input=str(data)[:40])
        return super().to_internal_value(data)


class Many(serializers.ListField):
    """A JSON array of at most 100 things unless said otherwise."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("max_length", 100)
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> Any:
        # Counted before the things in it are read, of which a body can hold half a million.
        if isinstance(data, list) and len(data) > self.max_length:
            self.fail("max_length", max_length=self.max_length)
        return super().to_internal_value(data)


class _Strict(serializers.Serializer):
    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            raise serializers.ValidationError({"non_field_errors": [_("A JSON object is needed.")]})
        strange = (name for name in data if name not in self.fields)
        unknown = {str(name): [str(NO_SUCH)] for name in islice(strange, MOST_ERRORS)}
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as error:
            raise serializers.ValidationError(error.detail | unknown) from error
        if unknown:
            raise serializers.ValidationError(unknown)
        return value


class Given(_Strict):
    """A body, or an object within one."""


class Asked(_Strict):
    """A query. Values are texts; a name may stand once."""


class Shape(serializers.Serializer):
    """What an object of an answer holds."""


def read_body(serializer: type[Given], data: Any) -> dict[str, Any]:
    """Return the values of a body, or raise the problem that names every field at fault."""
    given = serializer(data=data)
    if given.is_valid():
        return dict(given.validated_data)
    raise invalid(list(_pointed(given.errors, "#")))


def read_query(serializer: type[Asked], query: QueryDict) -> dict[str, Any]:
    """Return the values of a query, or raise the problem that names every parameter at fault."""
    twice = [name for name, values in query.lists() if len(values) > 1]
    if twice:
        raise bad_parameters({name: _("Give it once.") for name in twice})
    asked = serializer(data=query.dict())
    if asked.is_valid():
        return dict(asked.validated_data)
    raise bad_parameters(
        {
            str(name): _("There is no such parameter.") if words == [NO_SUCH] else " ".join(words)
            for name, words in asked.errors.items()
        }
    )


def invalid(errors: list[dict[str, str]]) -> Problem:
    """Return the problem of a body whose fields need other values."""
    return Problem("invalid", errors=errors)


def at(field: str, detail: str) -> Problem:
    """Return the problem of one field, named as in the body: `adapters/0/network`."""
    return invalid([{"pointer": f"#/{field}", "detail": detail}])


def bad_parameters(told: Mapping[str, str]) -> Problem:
    """Return the problem of parameters, by name."""
    return Problem(
        "bad_parameter",
        errors=[{"parameter": name, "detail": detail} for name, detail in told.items()],
    )


def _pointed(errors: Any, pointer: str) -> Iterator[dict[str, str]]:
    """Yield every error with its JSON pointer (RFC 6901, as a URI fragment)."""
    if isinstance(errors, Mapping):
        for name, inner in errors.items():
            step = str(name).replace("~", "~0").replace("/", "~1")
            whole = name == "non_field_errors"
            yield from _pointed(inner, pointer if whole else f"{pointer}/{step}")
    elif isinstance(errors, list):
        for index, inner in enumerate(errors):
            nested = isinstance(inner, Mapping | list)
            if nested and inner:
                yield from _pointed(inner, f"{pointer}/{index}")
            elif not nested:
                yield {"pointer": pointer, "detail": str(inner)}
