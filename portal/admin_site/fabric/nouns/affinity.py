"""Affinity sets: which machines belong on different hosts, or on one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from fabric.vmm.actions import affinity
from fabric.vmm.models import AffinityKind, AffinitySet, UserRole, VirtualMachine
from portal.admin_site.fabric import cells
from portal.admin_site.fabric.console import Console
from portal.admin_site.fabric.filters import YES_NO
from portal.admin_site.fabric.forms import OWNERS, LinesField, NounForm, RowField, flag, name
from portal.admin_site.fabric.noun import (
    Actions,
    Column,
    Facet,
    Noun,
    Part,
    Related,
    count_of,
    kept,
)


class MembersField(LinesField):
    """Machines by their names. Of several with one name, those in the set or of its role."""

    def of(self, console: Console, row: AffinitySet | None) -> None:
        """Say whose machines are meant; `row` is the set when it is there already."""
        self.console, self.row = console, row

    def clean(self, value: Any) -> list[VirtualMachine]:
        names = list(dict.fromkeys(super().clean(value)))
        rows = VirtualMachine.objects.visible_to(self.console.caller)
        found: dict[str, list[VirtualMachine]] = {}
        for machine in rows.filter(server=self.console.server, name__in=names):
            found.setdefault(machine.name, []).append(machine)
        missing = [each for each in names if each not in found]
        if missing:
            raise forms.ValidationError(_("There is no machine called %s.") % ", ".join(missing))
        return [machine for each in names for machine in self.meant(each, found[each])]

    def meant(self, named: str, machines: list[VirtualMachine]) -> list[VirtualMachine]:
        """Return the machine of this name; several only if all of them are members."""
        row = self.row
        if len(machines) > 1 and row is not None:
            inside = [each for each in machines if each.affinity_id == row.pk]
            machines = inside or [each for each in machines if each.role_id == row.role_id]
            if inside:
                return inside
        if len(machines) != 1:
            said = _("Several machines are called %s: choose the set at the machine’s own page.")
            raise forms.ValidationError(said % named)
        return machines


class AffinityForm(NounForm):
    name = name()
    kind = forms.ChoiceField(label=_("Rule"), choices=AffinityKind.choices)
    is_strict = flag(
        _("Strict"),
        _("A machine that would break the set is not placed. Else it is only rated lower."),
        initial=True,
    )
    role = RowField(
        UserRole,
        label=_("User role"),
        required=False,
        only=OWNERS,
        empty_label=_("None: the operators’ own"),
        help_text=_("A role’s own set holds machines of that role; the operators’ anybody’s."),
    )
    machines = MembersField(
        label=_("Machines"), rows=5, help_text=_("One name a line. A machine is in one set.")
    )
    fixed = ("role",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        members: Any = self.fields["machines"]
        members.of(self.console, self.row)

    def values_of(self, row: Any) -> dict[str, Any]:
        names = list(row.machines.order_by("name").values_list("name", flat=True))
        return super().values_of(row) | {"machines": list(dict.fromkeys(names))}


class AffinitySets(Noun):
    key, path, section, icon = "affinity-set", "affinity-sets", "machines", "layers"
    one, many = _("affinity set"), _("Affinity sets")
    model = AffinitySet
    form = AffinityForm
    actions = Actions(affinity.add, affinity.change, affinity.remove)
    about = _("Machines that belong on different hosts, or on one. Placement goes by it.")
    removal = _("Its machines stay where they are, and may be placed anywhere from then on.")
    columns = (
        Column("name", _("Name"), lambda row: row.name, "name"),
        Column("kind", _("Rule"), lambda row: row.get_kind_display(), "kind"),
        Column("is_strict", _("Strict"), lambda row: cells.yes(row.is_strict), "is_strict", "p2"),
        Column("role", _("User role"), lambda row: row.role or _("the operators"), "", "p2"),
        Column("machines", _("Machines"), lambda row: row.machines_now, "machines_now", "number"),
    )
    facets = (
        Facet("kind", _("Kind"), _("Every kind"), AffinityKind.choices),
        Facet("is_strict", _("Strict"), _("Strict or not"), YES_NO),
        Facet("role", _("Role"), _("Every role"), model=UserRole),
    )
    related = (Related("machine", "affinity", may_add=False),)

    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        counted = count_of(VirtualMachine, "affinity")
        return rows.select_related("role").annotate(machines_now=counted)

    def parts(self, row: Any, console: Console) -> Iterable[Part]:
        owner = cells.link("role", row.role) if row.role else _("the operators")
        yield Part(
            _("Set"),
            [
                (_("Rule"), row.get_kind_display()),
                (_("Strict"), cells.yes(row.is_strict)),
                (_("Machines"), row.machines_now),
                (_("User role"), owner),
            ],
        )
        yield kept(row)
