"""What a noun of the fabric says of itself; views.py makes its pages from that alone.

A noun with a `parent` (a field, leading to the noun `parent_key`) has no list of its own: it is
shown on the page of what it belongs to. One with a `home` has a list, and no tab: it is found from
the page of that noun.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.db.models import F, Func, IntegerField, Model, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from portal.admin_site.fabric import cells
from portal.admin_site.fabric.console import Console
from portal.admin_site.fabric.forms import NounForm


@dataclass(frozen=True)
class Column:
    """A column of a list; `sort` is a field that is never null. `classes` hide it when narrow."""

    key: str
    title: Any
    cell: Callable[[Any], Any]
    sort: str = ""
    classes: str = ""


@dataclass(frozen=True)
class Facet:
    """What a list can be narrowed by: choices of a field, yes or no, or the rows of a model."""

    name: str
    title: Any
    every: Any
    choices: Sequence[tuple[Any, Any]] = ()
    model: type[Model] | None = None
    lookup: str = ""


@dataclass(frozen=True)
class Related:
    """Rows of another noun that belong to a row, as a tab of its page; `field` leads there."""

    key: str
    field: str
    title: Any = ""
    may_add: bool = True


@dataclass(frozen=True)
class Command:
    """A button on a row's page. With a `reason` it is impossible now; the reason is shown."""

    title: Any
    icon: str
    url: str
    method: str = "get"
    tone: str = ""
    reason: str = ""
    apart: bool = False
    name: str = ""
    value: str = ""
    dialog: str = ""


@dataclass(frozen=True)
class Part:
    """A card of facts on a row's page."""

    title: Any
    facts: Sequence[tuple[Any, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Actions:
    """What can be done to a noun: add(caller, server, …), change(caller, row, …), remove."""

    add: Callable[..., Any] | None = None
    change: Callable[..., Any] | None = None
    remove: Callable[..., Any] | None = None


class Noun:
    """One kind of thing."""

    key: ClassVar[str]
    path: ClassVar[str]
    section: ClassVar[str]
    icon: ClassVar[str] = "info"
    one: ClassVar[Any]
    many: ClassVar[Any]
    tab_title: ClassVar[Any] = ""
    model: ClassVar[Any]
    server_path: ClassVar[str] = "server"
    # Whether its pages stand in a VMM server.
    needs_server: ClassVar[bool] = True
    form: ClassVar[type[NounForm]]
    actions: ClassVar[Actions] = Actions()
    columns: ClassVar[tuple[Column, ...]] = ()
    facets: ClassVar[tuple[Facet, ...]] = ()
    search: ClassVar[tuple[str, ...]] = ("name",)
    search_title: ClassVar[Any] = ""
    default_sort: ClassVar[str] = "name"
    parent: ClassVar[str] = ""
    parent_key: ClassVar[str] = ""
    home: ClassVar[str] = ""
    has_page: ClassVar[bool] = True
    # Pages of its own, beside list, show and new; with any, all of them are in pages/urls.py.
    own_names: ClassVar[tuple[str, ...]] = ()
    related: ClassVar[tuple[Related, ...]] = ()
    help: ClassVar[Any] = ""
    about: ClassVar[Any] = ""
    removal: ClassVar[Any] = ""
    loses_data: ClassVar[bool] = False
    list_template: ClassVar[str] = "admin_site/fabric/list.html"
    show_template: ClassVar[str] = "admin_site/fabric/show.html"

    def queryset(self, console: Console) -> QuerySet[Any]:
        """Return the rows of the server in view that the caller may see."""
        rows = self.find(console)
        return rows.filter(**{self.server_path: console.server}) if self.server_path else rows

    def find(self, console: Console) -> QuerySet[Any]:
        """Return the rows of every server, for pages of one row."""
        return self.prepared(self.model.objects.visible_to(console.caller))

    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Add to the rows what columns and facts need, so that they ask nothing more."""
        return rows

    def parts(self, row: Any, console: Console) -> Iterable[Part]:
        """Return the facts of a row."""
        return ()

    def commands(self, row: Any, console: Console) -> list[Command]:
        """Return what else can be done with a row, beside Edit and Remove."""
        return []

    def state(self, row: Any) -> Any:
        """Return what stands beside the title of a row's page."""
        return ""

    def note(self, row: Any) -> str:
        """Return the sentence below the title of a row's page."""
        return str(getattr(row, "description", ""))

    def warnings(self, row: Any) -> list[str]:
        """Return what stands above the button that removes a row."""
        return []

    def list_context(self, console: Console) -> dict[str, Any]:
        """Return what the list's own template needs more."""
        return {}

    def show_context(self, row: Any, console: Console) -> dict[str, Any]:
        """Return what the page's own template needs more."""
        return {}

    def server_id(self, row: Any) -> Any:
        """Return the VMM server that a row belongs to; None for one that spans several."""
        if not self.server_path:
            return None
        *path, last = f"{self.server_path}_id".split("__")
        for step in path:
            row = getattr(row, step)
        return getattr(row, last)

    @property
    def sorts(self) -> dict[str, str]:
        return {column.key: column.sort for column in self.columns if column.sort}

    @property
    def list_name(self) -> str:
        return f"fabric-{self.key}-list"

    @property
    def show_name(self) -> str:
        return f"fabric-{self.key}"

    @property
    def new_name(self) -> str:
        return f"fabric-{self.key}-new"

    @property
    def edit_name(self) -> str:
        return f"fabric-{self.key}-edit"

    @property
    def remove_name(self) -> str:
        return f"fabric-{self.key}-remove"


def count_of(model: Any, field: str, **only: object) -> Coalesce:
    """Return how many rows of a model point at the row by a field; for annotations."""
    mine = model.objects.filter(**{field: OuterRef("pk")}, **only).order_by()
    number = mine.annotate(number=Func(F("pk"), function="COUNT")).values("number")
    return Coalesce(Subquery(number), Value(0), output_field=IntegerField())


def kept(row: Any, *more: tuple[Any, Any]) -> Part:
    """Return what every row has: when it was made and changed, and its id."""
    facts = [*more]
    for at, title in (("created_at", _("Created")), ("modified_at", _("Changed"))):
        if hasattr(row, at):
            facts.append((title, cells.when(getattr(row, at))))
    return Part(_("Facts"), [*facts, (_("Id"), cells.code(row.pk))])
