"""The pages of our own SPF that are more than a noun: the check, and passwords, shown once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from fabric.models import Provider
from fabric.spf.actions import accounts
from fabric.spf.models import Account, Stamp
from fabric.vmm.errors import VMMError
from portal.admin_site.fabric import log, sections, spf_words, views
from portal.admin_site.fabric.console import Console, fabric_page
from portal.admin_site.fabric.forms import NounForm
from portal.admin_site.fabric.nouns import noun_of
from portal.admin_site.fabric.nouns.spf_accounts import (
    PasswordForm,
    SPFAccountForm,
    endpoints,
    needed,
    state,
    used_by,
)

NOUN = noun_of("spf-account")


def check(request: HttpRequest, console: Console) -> HttpResponse:
    """Every account and every stamp, with what is missing."""
    rows = list(Account.objects.order_by("username"))
    users = spf_words.users(rows)
    context = {
        "noun": NOUN,
        "console": console,
        "tabs": sections.section_tabs("spf", "fabric-spf", console),
        "behind": spf_words.behind(),
        "accounts": [account_line(row, users[row.username]) for row in rows],
        "stamps": Stamp.objects.prefetch_related("servers").order_by("name"),
        "new_url": console.link(NOUN.new_name) if console.may_change else "",
    }
    return render(request, "admin_site/fabric/spf/check.html", context)


def account_line(row: Account, users: Sequence[Provider]) -> tuple[Any, ...]:
    """Return an account with its state, what it lacks, and what signs in with it."""
    found = spf_words.missing(row, users)
    return row, state(row, lacks=needed(found)), found, users


def new(request: HttpRequest, console: Console) -> HttpResponse:
    """Make an account; a password made here is shown by the answer, and never again."""
    form = SPFAccountForm(views.sent(request), console=console)
    if form.is_valid():
        made = made_for(form)
        row = views.done(
            NOUN,
            "add",
            form,
            console,
            lambda words: accounts.create_account(**words | made),
        )
        if row is not None:
            messages.success(request, _("“%s” is made.") % row)
            return shown_once(request, console, row, made)
    context = views.page_of(NOUN, console) | {"form": form}
    context["back"] = console.link(NOUN.list_name)
    return render(request, "admin_site/fabric/new.html", context)


def password(request: HttpRequest, console: Console, pk: int) -> HttpResponse:
    """Give an account another password."""
    row = get_object_or_404(Account, pk=pk)
    form = PasswordForm(views.sent(request), console=console)
    if form.is_valid():
        made = made_for(form)
        changed = views.done(
            NOUN,
            "password",
            form,
            console,
            lambda words: accounts.change_account(row.username, **words | made),
            row=row,
        )
        if changed is not None:
            messages.success(request, _("“%s” has a new password.") % changed)
            return shown_once(request, console, changed, made)
    context = views.page_of(NOUN, console) | views.way_up(NOUN, row, console)
    context |= {"row": row, "form": form, "users": endpoints(row)}
    context["back"] = reverse(NOUN.show_name, args=[pk])
    return render(request, "admin_site/fabric/spf/password.html", context)


def made_for(form: NounForm) -> dict[str, str]:
    """Return the password to use where none was typed."""
    return {} if form.cleaned_data["password"] else {"password": accounts.new_password()}


def shown_once(
    request: HttpRequest, console: Console, row: Account, made: dict[str, str]
) -> HttpResponse:
    """Return the page with a password made here: it is kept nowhere that another could show it."""
    if not made:
        return redirect(NOUN.show_name, row.pk)
    context = views.page_of(NOUN, console) | views.way_up(NOUN, row, console)
    context |= {"row": row, "users": endpoints(row), **made}
    context["back"] = reverse(NOUN.show_name, args=[row.pk])
    return render(request, "admin_site/fabric/spf/shown_once.html", context)


def do(request: HttpRequest, console: Console, pk: int) -> HttpResponse:
    """Enable or disable an account, as the button says."""
    row = get_object_or_404(Account, pk=pk)
    verb = request.POST.get("verb", "")
    if verb not in ("enable", "disable"):
        messages.error(request, _("There is no such command."))
        return redirect(NOUN.show_name, pk)
    change: Callable[[], Any] = lambda: accounts.change_account(  # noqa: E731
        row.username, is_active=verb == "enable", used_by=used_by(row)
    )
    try:
        log.carry_out(
            f"fabric.spf-account.{verb}",
            change,
            by=request.user,
            object_type=NOUN.show_name,
            row=row,
        )
    except VMMError as refused:
        messages.error(request, f"{refused.message} {refused.advice}".strip())
    return redirect(NOUN.show_name, pk)


_secret = sensitive_post_parameters()
check_page = fabric_page(require_GET(check), needs_server=False)
new_page = fabric_page(_secret(new), changes=True, needs_server=False)
password_page = fabric_page(_secret(password), changes=True, needs_server=False)
do_page = fabric_page(require_POST(do), changes=True, needs_server=False)
