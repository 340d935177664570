"""One page of custom create: a form that keeps what was typed and never shows a secret again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from django import forms
from django.forms.utils import ErrorDict
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _

from fabric.models import Template
from portal.models import SshKey
from portal.tenant_site.creating.offer import Offer
from tenants import places
from tenants.models import User
from tenants.rights import Right

Typed = Mapping[str, list[str]]
LONGEST_TYPED = 20_000


class UnsaidInput(forms.TextInput):
    """Never says back what was typed."""

    def format_value(self, value: Any) -> None:
        return None


class UnsaidText(forms.Textarea):
    """Says back what was typed only while that `is_said`."""

    is_said = False

    def format_value(self, value: Any) -> Any:
        return super().format_value(value) if self.is_said else None


class Needed(forms.Field):
    """A field that another choice asks for: not optional, yet the form says when it is missing."""

    def validate(self, value: Any) -> None:
        """Leave it to the form whether it may be empty."""
        if value not in self.empty_values:
            super().validate(value)


class NeededText(Needed, forms.CharField):
    pass


class NeededWhole(Needed, forms.IntegerField):
    pass


class NeededDecimal(Needed, forms.DecimalField):
    pass


@dataclass
class About:
    """What a step is asked about. `fixed` are the addresses the networks step fixed."""

    offer: Offer
    person: User
    template: Template | None = None
    fixed: tuple[str, ...] = ()
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    @cached_property
    def may_schedule(self) -> bool:
        """Tell whether the person may plan schedules in this subscription."""
        held = places.rights_by_tenant(self.person)
        return Right.SCHEDULES in held.get(self.offer.subscription.tenant_id, ())

    @cached_property
    def keys(self) -> Mapping[str, SshKey]:
        """Return the person's SSH keys by id. One query."""
        return {str(key.pk): key for key in SshKey.objects.filter(user=self.person)}

    @property
    def is_windows(self) -> bool:
        return bool(self.template and self.template.is_windows)


class StepForm(forms.Form):
    """`typed` is what stands in the fields; None is a step nobody has been at.

    Fields named in `secret` are sealed when they are kept: left empty they stay what they are, and
    a box `forget_…` beside an optional one lets go of it. A form that is not shown does not read
    what there is to choose from where nothing was chosen.
    """

    secret: ClassVar[tuple[str, ...]] = ()

    def __init__(self, typed: Typed | None, *, about: About, is_shown: bool = True) -> None:
        self.about = about
        self.is_shown = is_shown
        self.typed = typed
        data = None if typed is None else MultiValueDict(typed)
        super().__init__(data, initial=self.first(about))
        self.prepare()
        for name in self.secret:
            if name in self.fields and name in about.secrets:
                self._keep(name)

    @classmethod
    def first(cls, about: About) -> dict[str, Any]:
        """Return what stands in the fields of a step nobody has been at."""
        return {}

    @classmethod
    def untouched(cls, about: About) -> Typed:
        """Return the same as it would be sent."""
        return {
            name: [str(each) for each in value] if isinstance(value, list) else [str(value)]
            for name, value in cls.first(about).items()
            if value not in (None, False, "")
        }

    def prepare(self) -> None:
        """Fit the fields to what the step is about."""

    def _keep(self, name: str) -> None:
        bound = self.fields[name]
        was_required, bound.required = bound.required, False
        bound.widget.attrs["placeholder"] = _("Kept; type to replace it")
        if not was_required:
            self.fields[f"forget_{name}"] = forms.BooleanField(
                required=False, label=_("Remove what was kept")
            )

    def is_kept(self, name: str) -> bool:
        """Tell whether a secret is sealed in the draft already."""
        return name in self.about.secrets

    def secret_of(self, name: str) -> str:
        """Return the secret as it will be: typed anew, else kept, unless it is let go."""
        typed = str(self.cleaned_data.get(name) or "")
        if typed or self.cleaned_data.get(f"forget_{name}"):
            return typed
        return self.about.secrets.get(name, "") if name in self.fields else ""

    def secrets(self) -> dict[str, str]:
        """Return what is to be sealed from now on; what was refused is not."""
        held = dict(self.about.secrets)
        for name in self.secret:
            if name in self.fields and name not in self.errors:
                held[name] = self.secret_of(name)
        return held

    def hush(self) -> None:
        """Complain of nothing yet: the person has only asked for room to type."""
        self._errors = ErrorDict()
        self.cleaned_data: dict[str, Any] = {}


class RowsForm(StepForm):
    """A step with rows that are added and removed: fields `name-0`, `size-0`, `name-1` and so on.

    `rows` says how many there are, so the page needs no script.
    """

    fewest: ClassVar[int] = 0
    most: ClassVar[int] = 16

    def row_fields(self) -> dict[str, forms.Field]:
        """Return fresh fields for one row, by their first names."""
        raise NotImplementedError

    def prepare(self) -> None:
        first = {"rows": [str(self.initial["rows"])]}
        self.count = self.count_in(first if self.typed is None else self.typed)
        for number in range(self.count):
            for name, made in self.row_fields().items():
                self.fields[f"{name}-{number}"] = made

    @classmethod
    def count_in(cls, typed: Typed) -> int:
        """Return how many rows there are, whatever somebody sent in place of a number."""
        try:
            asked = int(typed.get("rows", ["0"])[-1])
        except (ValueError, IndexError):
            asked = cls.fewest
        return max(cls.fewest, min(asked, cls.most))

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Return the bound fields row by row, with what a button needs to remove the row."""
        names = list(self.row_fields())
        return [
            {
                "number": number,
                "title": number + 1,
                "fields": [self[f"{name}-{number}"] for name in names],
                "removable": self.count > self.fewest,
            }
            for number in range(self.count)
        ]

    @property
    def can_add(self) -> bool:
        return self.count < self.most

    def row(self, number: int) -> dict[str, Any]:
        """Return the cleaned values of one row, by their first names."""
        return {name: self.cleaned_data.get(f"{name}-{number}", "") for name in self.row_fields()}

    def changed_rows(self, do: str) -> dict[str, list[str]]:
        """Return what stands in the fields after a button for rows was pressed."""
        kept = [number for number in range(self.count) if do != f"remove-{number}"]
        count = min(len(kept) + (do == "add"), self.most)
        changed: dict[str, list[str]] = {"rows": [str(max(count, self.fewest))]}
        assert self.typed is not None
        for new, old in enumerate(kept):
            for name in self.row_fields():
                changed[f"{name}-{new}"] = list(self.typed.get(f"{name}-{old}", []))
        return changed


def typed_in(form: type[StepForm], sent: QueryDict) -> dict[str, list[str]]:
    """Return what was sent to a step and may be kept as text: everything but its secrets."""
    apart = {"csrfmiddlewaretoken", "do", *form.secret}
    return {
        name[:100]: [value.replace("\0", "")[:LONGEST_TYPED] for value in sent.getlist(name)[:100]]
        for name in list(sent)[:200]
        if name not in apart and not name.startswith("forget_")
    }


def sent_to(form: type[StepForm], sent: QueryDict) -> dict[str, list[str]]:
    """Return all that was sent to a step, its secrets too; only for looking at it once."""
    also = {name: sent.getlist(name) for name in sent if name.startswith("forget_")}
    return typed_in(form, sent) | also | {name: sent.getlist(name) for name in form.secret}
