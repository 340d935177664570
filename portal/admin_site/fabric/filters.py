"""What the lists of the fabric can be narrowed by, from what a noun declares."""

from __future__ import annotations

import operator
from functools import reduce
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from portal.admin_site.fabric.console import SERVER, Console
from portal.admin_site.fabric.forms import of_server
from portal.admin_site.fabric.noun import Noun
from portal.admin_site.forms.filters import Filter, search_field

YES_NO = (("1", _("Yes")), ("0", _("No")))


class NounFilter(Filter):
    """Text and facets. The server in view goes along, and is no filter."""

    def __init__(self, data: QueryDict, *, noun: Noun, console: Console) -> None:
        self.noun = noun
        self.base_fields = {"q": search_field(noun.search_title or _("Name"))}
        for facet in noun.facets:
            if facet.model is not None:
                self.base_fields[facet.name] = forms.ModelChoiceField(
                    of_server(facet.model, console),
                    label=facet.title,
                    empty_label=facet.every,
                    required=False,
                )
            else:
                self.base_fields[facet.name] = forms.ChoiceField(
                    label=facet.title, choices=[("", facet.every), *facet.choices], required=False
                )
        if len(console.servers) > 1:
            self.base_fields[SERVER] = forms.CharField(required=False, widget=forms.HiddenInput)
        super().__init__(data)

    @property
    def asked(self) -> dict[str, Any]:
        asked = super().asked
        asked.pop(SERVER, None)
        return asked

    def narrow(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows that fit."""
        asked = self.asked
        text = asked.pop("q", "")
        if text:
            fits = (Q(**{f"{path}__icontains": text}) for path in self.noun.search)
            rows = rows.filter(reduce(operator.or_, fits))
        for facet in self.noun.facets:
            if facet.name in asked:
                value = asked[facet.name]
                wanted = value == "1" if facet.choices is YES_NO else value
                rows = rows.filter(**{facet.lookup or facet.name: wanted})
        return rows
