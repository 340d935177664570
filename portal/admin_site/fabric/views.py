"""The pages of every noun: its list, one of it, a new one, a change, a removal."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from fabric.vmm.errors import VMMError
from portal.admin_site.fabric import log, sections
from portal.admin_site.fabric.console import Console, fabric_page
from portal.admin_site.fabric.filters import NounFilter
from portal.admin_site.fabric.noun import Command, Noun, Related, count_of
from portal.admin_site.fabric.nouns import noun_of
from portal.admin_site.fabric.tables import table
from portal.admin_site.listing import listed

View = Callable[..., HttpResponse]
FACTS = ""


def index_of(noun: Noun) -> View:
    """Return the view of the noun's list."""

    def index(request: HttpRequest, console: Console) -> HttpResponse:
        filters = NounFilter(request.GET, noun=noun, console=console)
        rows = filters.narrow(noun.queryset(console))
        context = listed(request, rows, noun.sorts, default=noun.default_sort)
        context |= page_of(noun, console) | noun.list_context(console)
        context["table"] = table(noun, context["page"].rows)
        context["filters"] = filters
        context["clear_url"] = console.link(noun.list_name)
        if noun.actions.add is not None and console.may_change:
            context["new_url"] = console.link(noun.new_name)
        return render(request, noun.list_template, context)

    return fabric_page(index, needs_server=noun.needs_server)


def show_of(noun: Noun) -> View:
    """Return the view of one row: facts, and a tab for each noun that belongs to it."""

    def show(request: HttpRequest, console: Console, pk: uuid.UUID) -> HttpResponse:
        row = found(noun, console, pk)
        context = page_of(noun, console) | {"row": row} | commands_of(noun, row, console)
        context |= way_up(noun, row, console) | related_rows(noun, row, request, console)
        context |= {"state": noun.state(row), "note": noun.note(row)}
        context["parts"] = [] if context["tab"] else list(noun.parts(row, console))
        return render(request, noun.show_template, context | noun.show_context(row, console))

    return fabric_page(show, needs_server=noun.needs_server)


def new_of(noun: Noun) -> View:
    """Return the view that makes one. What the URL says of a field is typed there already."""
    act = noun.actions.add
    assert act is not None

    def create(request: HttpRequest, console: Console) -> HttpResponse:
        said = {key: value for key, value in request.GET.items() if key in noun.form.base_fields}
        form = noun.form(sent(request), console=console, initial=said)
        if form.is_valid():
            row = done(
                noun,
                "add",
                form,
                console,
                lambda words: act(console.caller, console.server, **words),
            )
            if row is not None:
                messages.success(request, _("“%s” is made.") % row)
                return redirect(noun.show_name, row.pk)
        back = console.link(noun.list_name) if not noun.parent else parent_url(noun, said, console)
        context = page_of(noun, console) | {"form": form, "back": back}
        return render(request, "admin_site/fabric/new.html", context)

    page = sensitive_post_parameters()(create)
    return fabric_page(page, changes=True, needs_server=noun.needs_server)


def edit_of(noun: Noun) -> View:
    """Return the view that changes one."""
    act = noun.actions.change
    assert act is not None

    def edit(request: HttpRequest, console: Console, pk: uuid.UUID) -> HttpResponse:
        row = found(noun, console, pk)
        form = noun.form(sent(request), console=console, row=row)
        if form.is_valid() and not form.changes():
            messages.info(request, _("Nothing was changed."))
            return redirect(noun.show_name, pk)
        if form.is_valid():
            changed = done(
                noun,
                "change",
                form,
                console,
                lambda words: act(console.caller, row, **words),
                row=row,
            )
            if changed is not None:
                messages.success(request, _("“%s” is changed.") % changed)
                return redirect(noun.show_name, pk)
        context = page_of(noun, console) | way_up(noun, row, console)
        context |= {"form": form, "row": row, "back": reverse(noun.show_name, args=[pk])}
        return render(request, "admin_site/fabric/edit.html", context)

    page = sensitive_post_parameters()(edit)
    return fabric_page(page, changes=True, needs_server=noun.needs_server)


def remove_of(noun: Noun) -> View:
    """Return the view that asks once more, and removes one."""
    act = noun.actions.remove
    assert act is not None

    def remove(request: HttpRequest, console: Console, pk: uuid.UUID) -> HttpResponse:
        row = found(noun, console, pk)
        form = RemoveForm(sent(request), row=row, noun=noun)
        problem = ""
        if form.is_valid():
            back = way_up(noun, row, console)["up"]
            name = str(row)
            try:
                log.carry_out(
                    f"fabric.{noun.key}.remove",
                    lambda: act(console.caller, row),
                    by=request.user,
                    object_type=noun.show_name,
                    row=row,
                )
            except VMMError as refused:
                problem = f"{refused.message} {refused.advice}".strip()
            else:
                messages.success(request, _("“%s” is removed.") % name)
                return redirect(back)
        context = page_of(noun, console) | way_up(noun, row, console)
        context |= {"row": row, "form": form, "problem": problem}
        context["warnings"] = noun.warnings(row)
        context["back"] = reverse(noun.show_name, args=[pk])
        return render(request, "admin_site/fabric/remove.html", context)

    return fabric_page(remove, changes=True, needs_server=noun.needs_server)


class RemoveForm(forms.Form):
    """Asks for the name where data is lost with the row."""

    def __init__(self, *args: Any, row: Any, noun: Noun) -> None:
        super().__init__(*args)
        self.row = row
        if noun.loses_data:
            self.fields["confirm"] = forms.CharField(
                label=_("Type %s to confirm") % row,
                widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
            )

    def clean_confirm(self) -> str:
        typed: str = self.cleaned_data["confirm"].strip()
        if typed != str(self.row):
            raise forms.ValidationError(_("This is not the name."))
        return typed


def done(
    noun: Noun,
    verb: str,
    form: Any,
    console: Console,
    act: Callable[[dict[str, Any]], Any],
    row: Any = None,
) -> Any:
    """Carry out what a form asks for; None when VMM refused, which the form then says."""
    words = form.keywords() if row is None else form.changes()
    try:
        return log.carry_out(
            f"fabric.{noun.key}.{verb}",
            lambda: act(words),
            by=console.request.user,
            object_type=noun.show_name,
            row=row,
            name=str(words.get("name", "")),
            parameters=words,
            secrets=form.secrets,
        )
    except VMMError as refused:
        form.refuse(refused)
        return None


def sent(request: HttpRequest) -> Any:
    """Return what was sent with a form; None when it was only opened."""
    return request.POST if request.method == "POST" else None


def found(noun: Noun, console: Console, pk: uuid.UUID) -> Any:
    """Return the row, and put its server in view."""
    row = get_object_or_404(noun.find(console), pk=pk)
    console.stand_on(noun.server_id(row))
    return row


def page_of(noun: Noun, console: Console) -> dict[str, Any]:
    """Return what every page of a noun shows around it."""
    return {"noun": noun, "console": console, "tabs": sections.tabs(noun, console)}


def commands_of(noun: Noun, row: Any, console: Console) -> dict[str, Any]:
    """Return what can be done with a row, and why some of it cannot; nothing for readers."""
    if not console.may_change:
        return {"commands": []}
    commands = noun.commands(row, console)
    if noun.actions.change is not None:
        edit = reverse(noun.edit_name, args=[row.pk])
        commands.append(Command(_("Edit"), "pencil", edit))
    if noun.actions.remove is not None:
        remove = reverse(noun.remove_name, args=[row.pk])
        commands.append(Command(_("Remove"), "trash-2", remove, tone="danger", apart=True))
    reasons = [(command.title, command.reason) for command in commands if command.reason]
    return {"commands": commands, "reasons": reasons}


def way_up(noun: Noun, row: Any, console: Console) -> dict[str, str]:
    """Return where a row's page leads back to: its parent's, or the list."""
    if noun.parent:
        above = getattr(row, noun.parent)
        up = reverse(f"fabric-{noun.parent_key}", args=[above.pk])
        return {"up": f"{up}?tab={noun.key}", "up_title": str(above)}
    return {"up": console.link(noun.list_name), "up_title": str(noun.many)}


def parent_url(noun: Noun, said: dict[str, Any], console: Console) -> str:
    """Return where Cancel leads from the form of a new row that belongs to another."""
    above = noun_of(noun.parent_key)
    try:
        return reverse(above.show_name, args=[uuid.UUID(said[noun.parent])])
    except (KeyError, ValueError):
        return console.link(above.list_name)


def related_rows(noun: Noun, row: Any, request: HttpRequest, console: Console) -> dict[str, Any]:
    """Return the tabs of a row's page with their counts, and the rows of the one asked for."""
    if not noun.related:
        return {"tab": FACTS, "row_tabs": []}
    here = reverse(noun.show_name, args=[row.pk])
    counts = counts_of(noun, row)
    asked = request.GET.get("tab", FACTS)
    related = next((each for each in noun.related if each.key == asked), None)
    row_tabs = [{"title": _("Facts"), "url": here, "current": related is None}]
    for each in noun.related:
        title = f"{each.title or noun_of(each.key).many} {counts[each.key]}"
        tab = {"title": title, "url": f"{here}?tab={each.key}", "current": each is related}
        row_tabs.append(tab)
    context: dict[str, Any] = {"tab": "", "row_tabs": row_tabs}
    return context | (tab_of(related, row, request, console) if related else {})


def tab_of(related: Related, row: Any, request: HttpRequest, console: Console) -> dict[str, Any]:
    """Return the rows that belong to a row, as their own list shows them."""
    other = noun_of(related.key)
    rows = other.find(console).filter(**{related.field: row})
    context = listed(request, rows, other.sorts, default=other.default_sort)
    context["table"] = table(other, context["page"].rows, without={related.field})
    may_add = related.may_add and other.actions.add is not None
    return context | {
        "tab": related.key,
        "other": other,
        "add_url": console.link(other.new_name, **{related.field: row.pk}) if may_add else "",
    }


def counts_of(noun: Noun, row: Any) -> dict[str, int]:
    """Return how many rows each tab has. One query."""
    counts = {
        f"tab_{n}": count_of(noun_of(each.key).model, each.field)
        for n, each in enumerate(noun.related)
    }
    found_counts = noun.model.objects.filter(pk=row.pk).values(**counts).get()
    return {each.key: found_counts[f"tab_{n}"] for n, each in enumerate(noun.related)}
