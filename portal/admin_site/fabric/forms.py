"""Forms of the fabric: a field is a keyword of the action, its choices are the server's rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django import forms
from django.db.models import Manager, Model, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from fabric.vmm.errors import VMMError
from fabric.vmm.models import (
    LibraryShare,
    NetworkSite,
    RoleScope,
    StorageVolume,
    UserRole,
    VMSubnet,
)
from fabric.vmm.models.userrole import RoleProfile
from plans.words import in_sentence
from portal.admin_site.fabric.console import Console

MOST_SETS = 64
# User roles that machines may belong to.
OWNERS = {"profile__in": [RoleProfile.TENANT_ADMIN, RoleProfile.SELF_SERVICE]}

# Where a row says which server it belongs to, unless it says so itself; None spans servers.
SERVER_PATHS: Mapping[type[Model], str | None] = {
    LibraryShare: "library_server__server",
    NetworkSite: "logical_network__server",
    RoleScope: "cloud__server",
    StorageVolume: "host__server",
    UserRole: None,
    VMSubnet: "network__server",
}


def of_server(model: Any, console: Console) -> QuerySet[Any]:
    """Return the rows of the server in view that the caller may see, by name."""
    path = SERVER_PATHS.get(model, "server")
    rows = model.objects.visible_to(console.caller).order_by("name")
    return rows.filter(**{path: console.server}) if path else rows


class OfServer:
    """A field that offers rows of the server in view: those that fit `only`, called by `shown`."""

    of_model: Any
    only: Mapping[str, Any]
    shown: Callable[[Any], str] | None
    related: Sequence[str]

    def of(
        self,
        model: Any,
        only: Mapping[str, Any] | None,
        shown: Callable[[Any], str] | None,
        related: Sequence[str],
    ) -> None:
        self.of_model, self.only, self.shown, self.related = model, only or {}, shown, related

    def narrowed(self, rows: QuerySet[Any], kept: Any) -> QuerySet[Any]:
        """Return those of the rows that the field offers: also what is chosen already."""
        if self.only:
            chosen = kept if isinstance(kept, list) else [getattr(kept, "pk", kept)]
            rows = rows.filter(Q(**self.only) | Q(pk__in=[pk for pk in chosen if pk]))
        return rows.select_related(*self.related) if self.related else rows

    def label_from_instance(self, row: Any) -> str:
        return self.shown(row) if self.shown else str(row)


class RowField(OfServer, forms.ModelChoiceField):
    """One row of the server in view."""

    def __init__(
        self,
        model: Any,
        *,
        only: Mapping[str, Any] | None = None,
        shown: Callable[[Any], str] | None = None,
        related: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        self.of(model, only, shown, related)
        kwargs.setdefault("empty_label", _("Choose …") if kwargs.get("required", True) else "–")
        super().__init__(None, **kwargs)


class RowsField(OfServer, forms.ModelMultipleChoiceField):
    """Any number of rows of the server in view, as boxes to tick."""

    widget = forms.CheckboxSelectMultiple

    def __init__(
        self,
        model: Any,
        *,
        only: Mapping[str, Any] | None = None,
        shown: Callable[[Any], str] | None = None,
        related: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        self.of(model, only, shown, related)
        kwargs.setdefault("required", False)
        super().__init__(None, **kwargs)


class LinesField(forms.CharField):
    """Several values, one a line; cleaned to a list."""

    def __init__(self, *, rows: int = 3, **kwargs: Any) -> None:
        widget = forms.Textarea(attrs={"rows": rows, "spellcheck": "false"})
        super().__init__(**{"required": False, "widget": widget, **kwargs})

    def prepare_value(self, value: Any) -> Any:
        return value if value is None or isinstance(value, str) else self.joined(value)

    def clean(self, value: Any) -> Any:
        return [self.read(line) for line in lines(super().clean(value))]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return lines(self.prepare_value(initial) or "") != lines(data or "")

    def joined(self, values: Sequence[Any]) -> str:
        return "\n".join(self.shown(value) for value in values)

    def shown(self, value: Any) -> str:
        """Return a value as a line."""
        return str(value)

    def read(self, line: str) -> Any:
        """Return the value of a line; raise ValidationError naming the line."""
        return line


def lines(text: str) -> list[str]:
    """Return the lines of a text that say something."""
    return [line for line in map(str.strip, text.splitlines()) if line]


class SecretText(forms.Textarea):
    """A text that is typed and never shown again."""

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        return super().get_context(name, None, attrs)


def secret(label: Any, **kwargs: Any) -> forms.CharField:
    """Return a password field; what it holds is never sent back."""
    widget = forms.PasswordInput(attrs={"autocomplete": "new-password", "spellcheck": "false"})
    return forms.CharField(label=label, strip=False, required=False, widget=widget, **kwargs)


def number(label: Any, *, least: int = 0, **kwargs: Any) -> forms.IntegerField:
    """Return a whole number."""
    return forms.IntegerField(label=label, min_value=least, max_value=2_147_483_647, **kwargs)


def limit(label: Any, *, least: int = 0) -> forms.IntegerField:
    """Return a number that may be left out; then there is no limit."""
    return number(label, least=least, required=False)


def flag(label: Any, help_text: Any = "", initial: bool = False) -> forms.BooleanField:
    """Return a box to tick."""
    return forms.BooleanField(label=label, required=False, initial=initial, help_text=help_text)


def line(
    label: Any, *, longest: int = 255, required: bool = False, help_text: Any = ""
) -> forms.CharField:
    """Return a line of text."""
    widget = forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    return forms.CharField(
        label=label, max_length=longest, required=required, help_text=help_text, widget=widget
    )


def name(**kwargs: Any) -> forms.CharField:
    widget = forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    return forms.CharField(**{"label": _("Name"), "max_length": 64, "widget": widget, **kwargs})


def description() -> forms.CharField:
    return forms.CharField(
        label=_("Description"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


@dataclass(frozen=True)
class Repeated:
    """Several sets of the same fields, with some to spare: a keyword that is a list of dicts.

    A set left empty counts as not there.
    """

    name: str
    title: Any
    one: Any
    fields: Mapping[str, Callable[[], forms.Field]]
    spare: int = 3
    help: Any = ""


@dataclass
class Card:
    """Fields as the page shows them: under a heading, or several sets under one."""

    title: Any = ""
    fields: list[forms.BoundField] = field(default_factory=list)
    sets: list[tuple[str, list[forms.BoundField]]] = field(default_factory=list)
    keyword: forms.BoundField | None = None
    help: Any = ""


class NounForm(forms.Form):
    """A noun's fields, filled from a row when one is edited.

    `groups` are (heading, field names); what no group names comes first; `helps` has a sentence for
    some of the headings. `secrets` are never told
    to the log; those also in `forgettable` can be taken away from a row. `fixed` are fields that a
    row keeps for good.
    """

    groups: ClassVar[Sequence[tuple[Any, Sequence[str]]]] = ()
    helps: ClassVar[Mapping[Any, Any]] = {}
    secrets: ClassVar[Sequence[str]] = ()
    forgettable: ClassVar[Sequence[str]] = ()
    fixed: Sequence[str] = ()
    repeated: Sequence[Repeated] = ()

    def __init__(
        self, *args: Any, console: Console, row: Any = None, initial: Any = None, **kwargs: Any
    ) -> None:
        self.console, self.row = console, row
        super().__init__(*args, initial=initial, **kwargs)
        if row is not None:
            for name in self.fixed:
                self.fields.pop(name, None)
            self.initial = self.values_of(row)
        self.repeated = [
            each for each in self.repeated if row is None or each.name not in self.fixed
        ]
        self._sets = {each.name: self._repeat(each) for each in self.repeated}
        self._offer_rows()
        for name in self.forgettable if row is not None else ():
            label = _("Forget the stored one: %s") % in_sentence(str(self.fields[name].label))
            self.fields[f"forget_{name}"] = forms.BooleanField(label=label, required=False)

    def values_of(self, row: Any) -> dict[str, Any]:
        """Return what the fields begin with; secrets begin empty."""
        found = {}
        for name in self.fields:
            value = None if name in self.secrets else getattr(row, name, None)
            if isinstance(value, Manager):
                value = list(value.values_list("pk", flat=True))
            elif isinstance(self.fields[name], forms.TypedChoiceField):
                value = str(value)
            found[name] = value
        return found

    def sets_of(self, row: Any, name: str) -> list[dict[str, Any]]:
        """Return what the sets of a repeated keyword begin with."""
        return []

    def keywords(self) -> dict[str, Any]:
        """Return what the action is called with."""
        words = {
            name: list(value) if isinstance(value, QuerySet) else value
            for name, value in self.cleaned_data.items()
        }
        for name in self.forgettable:
            if words.pop(f"forget_{name}", False):
                words[name] = None
        for each in self.repeated:
            words[each.name] = [
                values
                for names in self._sets[each.name]
                if any((values := {key: words.pop(at) for key, at in names.items()}).values())
            ]
        return words

    def changes(self) -> dict[str, Any]:
        """Return those of the keywords that say something else than the row."""
        changed = {at.removeprefix("forget_").split("-")[0] for at in self.changed_data}
        return {name: value for name, value in self.keywords().items() if name in changed}

    def refuse(self, refused: VMMError) -> None:
        """Put what VMM refused where the person can act on it."""
        at = refused.field if refused.field in self.fields else None
        self.add_error(at, f"{refused.message} {refused.advice}".strip())

    def cards(self) -> list[Card]:
        """Return the fields as the page shows them: the first card has no heading."""
        named = {name for _title, names in self.groups for name in names}
        named |= {each.name for each in self.repeated}
        named |= {at for sets in self._sets.values() for names in sets for at in names.values()}
        forget = {name: f"forget_{name}" for name in self.forgettable}
        named |= set(forget.values())

        def bound(names: Iterable[str]) -> list[forms.BoundField]:
            shown = [at for name in names for at in (name, forget.get(name)) if at in self.fields]
            return [self[at] for at in shown]

        cards = [Card(fields=bound(name for name in self.fields if name not in named))]
        helps = {str(title): said for title, said in self.helps.items()}
        for title, names in self.groups:
            cards.append(Card(title, bound(names), help=helps.get(str(title), "")))
        for each in self.repeated:
            sets = [
                (f"{each.one} {place}", bound(names.values()))
                for place, names in enumerate(self._sets[each.name], 1)
            ]
            cards.append(Card(each.title, [], sets, self[each.name], each.help))
        return [card for card in cards if card.fields or card.sets]

    def _repeat(self, each: Repeated) -> list[dict[str, str]]:
        """Add the fields of a repeated keyword; return the names of each set by sub-field."""
        known = self.sets_of(self.row, each.name) if self.row is not None else []
        places = (key.split("-")[1] for key in self.data if key.startswith(f"{each.name}-"))
        posted = 1 + max((int(place) for place in places if place.isdecimal()), default=-1)
        posted = min(posted, MOST_SETS)
        self.fields[each.name] = forms.Field(required=False, widget=forms.HiddenInput)
        sets = []
        for place in range(max(posted, len(known) + each.spare)):
            names = {key: f"{each.name}-{place}-{key}" for key in each.fields}
            for key, at in names.items():
                self.fields[at] = each.fields[key]()
                if place < len(known):
                    self.initial[at] = known[place].get(key)
            sets.append(names)
        return sets

    def _offer_rows(self) -> None:
        """Give the fields their rows; those that offer the same ones share one query."""
        offered: dict[Any, list[Any]] = {}
        for name, each in self.fields.items():
            if not isinstance(each, RowField | RowsField):
                continue
            kept = self.initial.get(name) if self.row is not None else None
            each.queryset = each.narrowed(of_server(each.of_model, self.console), kept)
            empty = getattr(each, "empty_label", None)
            key = (each.of_model, str(empty), str(each.only), str(kept) if each.only else "")
            if key not in offered:
                offered[key] = list(each.choices)
            each.widget.choices = offered[key]
