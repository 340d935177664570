"""Who somebody is on a team: role, actions, machines, part of the quota."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.forms.utils import ErrorDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabric.models import Machine
from plans.models import MemberLimit, Subscription
from plans.rules import RESOURCES
from portal.asked import as_uuid, plain
from tenants import rights
from tenants.authority import Authority, Place
from tenants.models import Membership, Role, Tenant, TenantRole

MOST = 2**31 - 1
SHOWN = 60  # machines beside those that are ticked
PER_UNIT = {"memory_mb": 1024}  # asked for in GB
TOLD = {
    Role.ADMIN: gettext_lazy("Everything: machines, subscriptions and the team."),
    Role.APPLICATION: gettext_lazy("Works with machines and schedules; nothing else."),
    Role.READER: gettext_lazy("Sees machines and their work, changes nothing."),
}


class PlaceForm(forms.Form):
    """The role and what narrows it; what the giver may not give is not offered.

    Of many machines those that are ticked are shown, and some of the others: `find` says which.
    """

    role = forms.ChoiceField(label=gettext_lazy("Role"), widget=forms.RadioSelect)
    narrowed = forms.BooleanField(
        label=gettext_lazy("Only chosen actions of this role"), required=False
    )
    rights = forms.MultipleChoiceField(
        label=gettext_lazy("Actions"), required=False, widget=forms.CheckboxSelectMultiple
    )
    reach = forms.ChoiceField(
        label=gettext_lazy("Machines"), widget=forms.RadioSelect, initial="all"
    )
    find = forms.CharField(
        label=gettext_lazy("Find machines by name or subscription"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )
    found = forms.CharField(required=False, max_length=100, widget=forms.HiddenInput)
    machines = forms.ModelMultipleChoiceField(
        queryset=Machine.objects.none(),
        label=gettext_lazy("Chosen machines"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Those somebody makes themselves are theirs as well."),
        error_messages={
            "invalid_choice": gettext_lazy("A machine that was ticked is not there any more.")
        },
    )

    def __init__(
        self, *args: Any, tenant: Tenant, held: Authority, of: Membership | None = None, **told: Any
    ) -> None:
        self.tenant, self.held = tenant, held
        initial = _initial(of) if of else {"role": Role.READER, "reach": "all"}
        super().__init__(*args, initial=initial | told.pop("initial", {}), **told)
        self.composed = {str(one.pk): one for one in tenant.roles.all()}
        self.fields["role"].choices = list(self._roles())
        known = [choice for choice in rights.Right.choices if choice[0] in held.rights]
        self.fields["rights"].choices = known
        reach = [("chosen", _("Chosen machines only"))]
        if held.is_admin or held.all_machines:
            reach.insert(0, ("all", _("All machines of the tenant")))
        self.fields["reach"].choices = reach
        there = Machine.objects.visible_to(held.user).filter(subscription__tenant=tenant)
        self._offer(there)
        if not self.total:
            self.fields["machines"].help_text = _("There is none yet.")

    def _offer(self, there: QuerySet[Machine]) -> None:
        """Offer every machine, and show what is ticked and the first of the others. Three
        queries."""
        self.total = there.count()
        ticked = [pk for pk in map(as_uuid, map(str, self["machines"].value() or ())) if pk]
        chosen, others = there.filter(pk__in=ticked), there.exclude(pk__in=ticked)
        for word in self.text.split():
            others = others.filter(Q(name__icontains=word) | Q(subscription__name__icontains=word))
        self.fields["machines"].queryset = there
        self.fields["machines"].choices = [
            (str(pk), f"{name} · {subscription}")
            for rows in (chosen.order_by("name", "pk"), others.order_by("name", "pk")[:SHOWN])
            for pk, name, subscription in rows.values_list("pk", "name", "subscription__name")
        ]
        self.shown = len(self.fields["machines"].choices)

    @property
    def has_more(self) -> bool:
        """Tell whether the machines are too many to show all of them."""
        return self.total > SHOWN

    @property
    def text(self) -> str:
        """Return what the shown machines were looked for by."""
        return plain(str(self["find"].value() or ""))

    @property
    def is_looking(self) -> bool:
        """Tell whether the person looks for machines: by the button, or by Enter in that field."""
        return self.is_bound and ("look" in self.data or self.text != self.data.get("found", ""))

    def hush(self) -> None:
        """Complain of nothing yet: the person only looks for machines."""
        self._errors = ErrorDict()
        self.cleaned_data: dict[str, Any] = {}

    def _roles(self) -> Iterator[tuple[str, str]]:
        for role, told in TOLD.items():
            place = Place(role)
            if self.held.is_admin or (role != Role.ADMIN and place.effective <= self.held.rights):
                yield role.value, f"{role.label}: {told}"
        for key, role in self.composed.items():
            if self.held.is_admin or rights.of_role(Role.CUSTOM, role) <= self.held.rights:
                yield key, f"{role.name}: {role.description}" if role.description else role.name

    @property
    def place(self) -> Place:
        """Return what was chosen."""
        given = self.cleaned_data
        custom = self.composed.get(given["role"])
        return Place(
            role=Role.CUSTOM if custom else given["role"],
            custom_role=custom,
            rights=tuple(given["rights"]) if given["narrowed"] else None,
            all_machines=given["reach"] == "all",
        )

    @property
    def chosen(self) -> list[uuid.UUID]:
        """Return the ids of the chosen machines."""
        return [machine.pk for machine in self.cleaned_data["machines"]]


class InviteForm(PlaceForm):
    email = forms.EmailField(
        label=gettext_lazy("Mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    field_order = ("email",)


class MemberForm(PlaceForm):
    """A member's place, and their part of each subscription's quota."""

    def __init__(
        self, *args: Any, of: Membership, shares: Sequence[Subscription], **told: Any
    ) -> None:
        super().__init__(*args, of=of, **told)
        self.shares = shares
        parts = {part.subscription_id: part for part in of.limits.all()}
        for share in shares:
            for resource in RESOURCES:
                self.fields[_name(share, resource.name)] = forms.IntegerField(
                    label=_(resource.title) + {"GB": " (GB)", "MB": " (GB)"}.get(resource.unit, ""),
                    required=False,
                    min_value=0,
                    max_value=MOST // PER_UNIT.get(resource.name, 1),
                    initial=_shown(parts.get(share.pk), resource.name),
                )

    @property
    def parts(self) -> list[tuple[Subscription, list[forms.BoundField]]]:
        """Return the fields of each subscription."""
        return [
            (share, [self[_name(share, resource.name)] for resource in RESOURCES])
            for share in self.shares
        ]

    @property
    def limits(self) -> Mapping[uuid.UUID, Mapping[str, int | None]]:
        """Return the parts in the ledger's units."""
        return {
            share.pk: {
                resource.name: _kept(self.cleaned_data[_name(share, resource.name)], resource.name)
                for resource in RESOURCES
            }
            for share in self.shares
        }


class RoleForm(forms.Form):
    """A role the tenant composes."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=60)
    description = forms.CharField(label=gettext_lazy("Description"), max_length=200, required=False)
    rights = forms.MultipleChoiceField(
        label=gettext_lazy("Who has it may"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy(
            "Everybody with this role sees machines; without a tick, only that."
        ),
    )

    def __init__(
        self, *args: Any, held: Authority, of: TenantRole | None = None, **told: Any
    ) -> None:
        initial = (
            {"name": of.name, "description": of.description, "rights": of.rights} if of else None
        )
        super().__init__(*args, initial=initial, **told)
        self.fields["rights"].choices = [
            choice for choice in rights.Right.choices if choice[0] in held.rights
        ]

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if name.casefold() in {str(role.label).casefold() for role in Role}:
            raise ValidationError(_("This name belongs to a role that exists everywhere."))
        return name


class TenantForm(forms.Form):
    """What a Tenant Admin decides for everybody."""

    name = forms.CharField(label=gettext_lazy("Name of the tenant"), max_length=120)
    requires_second_factor = forms.BooleanField(
        label=gettext_lazy("Everybody needs a second factor"),
        required=False,
        help_text=gettext_lazy(
            "Who has none is led to setting one up at the next page; until then nothing else works."
        ),
    )

    def __init__(self, *args: Any, tenant: Tenant, **told: Any) -> None:
        initial = {
            "name": tenant.name,
            "requires_second_factor": tenant.requires_second_factor,
        }
        super().__init__(*args, initial=initial, **told)


def _initial(of: Membership) -> dict[str, Any]:
    return {
        "role": str(of.custom_role_id) if of.custom_role_id else of.role,
        "narrowed": of.rights is not None,
        "rights": sorted(rights.of_member(of)),
        "reach": "all" if of.all_machines else "chosen",
        "machines": [str(pk) for pk in of.grants.values_list("machine", flat=True)],
    }


def _name(share: Subscription, resource: str) -> str:
    return f"part-{share.pk}-{resource}"


def _shown(part: MemberLimit | None, resource: str) -> int | None:
    value = part.limits[resource] if part else None
    return None if value is None else value // PER_UNIT.get(resource, 1)


def _kept(value: int | None, resource: str) -> int | None:
    return None if value is None else value * PER_UNIT.get(resource, 1)
