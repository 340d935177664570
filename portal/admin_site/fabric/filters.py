"""What the lists of the fabric can be narrowed by, from what a noun declares."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import reduce
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from portal.admin_site.fabric.console import SERVER, Console
from portal.admin_site.fabric.forms import of_server
from portal.admin_site.fabric.noun import Facet, Noun
from portal.admin_site.forms.filters import Filter, search_field

YES_NO = (("1", _("Yes")), ("0", _("No")))


class NounFilter(Filter):
    """Text and facets. `along` names what else stays in the URL; the server in view does."""

    def __init__(
        self,
        data: QueryDict,
        *,
        noun: Noun,
        console: Console,
        facets: Sequence[Facet] | None = None,
        along: Sequence[str] = (),
    ) -> None:
        self.noun, self.along = noun, [SERVER, *along]
        self.facets = noun.facets if facets is None else facets
        self.base_fields = {"q": search_field(noun.search_title or _("Name"))}
        for facet in self.facets:
            self.base_fields[facet.name] = self.field_of(facet, console)
        for name in self.along:
            if data.get(name):
                self.base_fields[name] = forms.CharField(required=False, widget=forms.HiddenInput)
        super().__init__(data)

    @staticmethod
    def field_of(facet: Facet, console: Console) -> forms.Field:
        if facet.model is None:
            choices = [("", facet.every), *facet.choices]
            return forms.ChoiceField(label=facet.title, choices=choices, required=False)
        return forms.ModelChoiceField(
            of_server(facet.model, console),
            label=facet.title,
            empty_label=facet.every,
            required=False,
        )

    @property
    def asked(self) -> dict[str, Any]:
        return {name: value for name, value in super().asked.items() if name not in self.along}

    def narrow(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows that fit."""
        asked = self.asked
        text = asked.pop("q", "")
        if text:
            fits = (Q(**{f"{path}__icontains": text}) for path in self.noun.search)
            rows = rows.filter(reduce(operator.or_, fits))
        for facet in self.facets:
            if facet.name in asked:
                value = asked[facet.name]
                wanted = value == "1" if facet.choices is YES_NO else value
                rows = rows.filter(**{facet.lookup or facet.name: wanted})
        return rows
