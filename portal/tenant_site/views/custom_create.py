"""Custom create: a draft, page by page, until machines are made of it."""

from __future__ import annotations

import uuid
from typing import Any, cast

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect

from fabric.actions import machines
from fabric.models import Machine
from plans.models import Subscription
from portal.asked import one_of
from portal.models import Draft
from portal.tenant_site.access import signed_in
from portal.tenant_site.creating import drafts, hours, keys, pages, passwords, review
from portal.tenant_site.creating.order import wanted
from portal.tenant_site.creating.wizard import (
    BY_SLUG,
    REVIEW,
    SLUGS,
    Wizard,
    after,
    before,
    step_of,
)
from portal.tenant_site.forms.creating.base import RowsForm, StepForm, sent_to, typed_in
from portal.tenant_site.forms.creating.options import OptionsForm
from portal.tenant_site.views.creating import nowhere, usable_or_refused
from tenants.errors import Refused


@signed_in
@require_POST
def begin(request: HttpRequest) -> HttpResponse:
    """Open a draft and lead to its first page."""
    there = usable_or_refused(request)
    if not there:
        return nowhere(request)
    chosen = one_of(there, request.POST.get("subscription", ""))
    return _to(
        drafts.begin(request.user), "template", f"?subscription={chosen.pk}" if chosen else ""
    )


def load(request: HttpRequest, pk: uuid.UUID) -> Draft:
    """Return a draft of the person's own, else 404."""
    draft = get_object_or_404(Draft.objects.visible_to(request.user), pk=pk)
    draft.user = request.user
    return draft


@signed_in
def discard(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Forget a draft and its secrets. Nothing was made of it, or it stays what it led to."""
    draft = load(request, pk)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if draft.used_at is None:
        draft.delete()
        messages.success(request, _("The draft is gone."))
    return redirect("machine-new")


@signed_in
def step(request: HttpRequest, pk: uuid.UUID, step: str) -> HttpResponse:
    """One page of a draft; a draft that was used leads to what was made."""
    draft = load(request, pk)
    if step not in SLUGS:
        raise Http404
    if request.method not in ("GET", "HEAD", "POST"):
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    if draft.used_at is not None:
        return _to_made(request, draft)
    there = usable_or_refused(request)
    if not there:
        return nowhere(request)
    if request.method == "POST":
        return (
            _create(request, draft, there) if step == REVIEW else _kept(request, draft, there, step)
        )
    return _shown(request, draft, there, step)


def _to(draft: Draft, slug: str, more: str = "") -> HttpResponse:
    return redirect(reverse("machine-draft", args=[draft.pk, slug]) + more)


def _to_made(request: HttpRequest, draft: Draft) -> HttpResponse:
    """Lead to the machine of a draft, or to the list where there are several, or none any more."""
    there = Machine.objects.visible_to(request.user).filter(pk__in=draft.machines)
    if len(draft.machines) == 1 and there.exists():
        return redirect("machine", pk=draft.machines[0])
    return redirect(reverse("machines") + "?sort=age")


def _shown(
    request: HttpRequest, draft: Draft, there: list[Subscription], slug: str
) -> HttpResponse:
    if slug == REVIEW:
        wizard = drafts.judge(draft, there)
    else:
        wizard = Wizard(draft, there)
    first = wizard.first_wrong(before=slug)
    if first:
        messages.info(request, _("First this step: “%(step)s”.") % {"step": BY_SLUG[first].title})
        return _to(draft, first)
    if slug == REVIEW:
        return render(request, "tenant_site/creating/review.html", review.page(request, wizard))
    if slug == "template":
        return _templates(request, wizard)
    form = wizard.form(slug)
    if "rows" in request.GET or slug not in draft.wrong:
        form.hush()
    return _page(request, wizard, form, slug)


def _templates(request: HttpRequest, wizard: Wizard, form: StepForm | None = None) -> HttpResponse:
    """The first page has a filter, and shows another subscription's templates when asked to."""
    asked = one_of(wizard.usable, request.GET.get("subscription", ""))
    if asked is not None:
        wizard.show(asked)
    if form is None:
        typed = wizard.draft.typed.get("template", {})
        form = wizard.form(
            "template", {**typed, "subscription": [str(wizard.offer.subscription.pk)]}
        )
        form.hush()
    context = pages.templates(request, wizard, form)
    part = "_templates" if request.htmx else "template"
    return render(request, f"tenant_site/creating/{part}.html", context)


def _page(request: HttpRequest, wizard: Wizard, form: StepForm, slug: str, **more: Any) -> Any:
    context = pages.step(request, wizard, form, slug) | more
    return render(request, f"tenant_site/creating/{slug}.html", context)


def _kept(request: HttpRequest, draft: Draft, there: list[Subscription], slug: str) -> HttpResponse:
    """Keep what was typed, then do what the pressed button says."""
    kind, do = BY_SLUG[slug].form, request.POST.get("do", "next")
    typed, sent = typed_in(kind, request.POST), sent_to(kind, request.POST)
    if do == "look":
        return _beside(request, draft, there, slug, typed)
    if issubclass(kind, RowsForm) and (do == "add" or do.startswith("remove-")):
        form = cast(RowsForm, Wizard(draft, there).form(slug, typed))
        typed = form.changed_rows(do)
        drafts.keep(draft, there, slug, typed, typed)
        return _to(draft, slug, f"?rows={typed['rows'][0]}#rows")
    wizard, form = drafts.keep(draft, there, slug, typed, sent)
    if wizard.draft.used_at is not None:
        return _to_made(request, wizard.draft)
    if do == "generate":
        made = passwords.make()
        drafts.keep_password(draft, made)
        form.hush()
        return _page(request, wizard, form, slug, made_password=made)
    asked = _asked_for(do, slug)
    if asked:
        return _led(request, draft, asked)
    if not form.is_valid():
        if slug == "template":
            return _templates(request, wizard, form)
        return _page(request, wizard, form, slug)
    _say_what_fits_no_more(request, wizard, slug)
    return _led(request, draft, after(slug))


def _asked_for(do: str, slug: str) -> str | None:
    """Return the page a button leads to whether or not all is well here."""
    if do == "back":
        return before(slug)
    named = do.removeprefix("go-")
    return named if do.startswith("go-") and named in SLUGS else None


def _led(request: HttpRequest, draft: Draft, slug: str) -> HttpResponse:
    if request.htmx:
        return HttpResponseClientRedirect(reverse("machine-draft", args=[draft.pk, slug]))
    return _to(draft, slug)


def _say_what_fits_no_more(request: HttpRequest, wizard: Wizard, slug: str) -> None:
    """After another subscription or template: what was kept, and what has to be looked at."""
    others = [each for each in wizard.draft.wrong if each != slug]
    if slug != "template" or not others:
        return
    told = []
    for each in others:
        errors = wizard.filled(each).errors.values()
        first = next((str(error) for listed in errors for error in listed), "")
        told.append(f"{BY_SLUG[each].title}: {first}")
    messages.warning(
        request, _("What still fits is kept. Look again at: %(these)s") % {"these": " ".join(told)}
    )


def _beside(
    request: HttpRequest,
    draft: Draft,
    there: list[Subscription],
    slug: str,
    typed: dict[str, list[str]],
) -> HttpResponse:
    """What stands beside the form, as if this had been kept; nothing is."""
    draft.typed = {**draft.typed, slug: typed}
    wizard = Wizard(draft, there)
    context = pages.step(request, wizard, wizard.form(slug), slug)
    if not request.htmx:
        return render(request, f"tenant_site/creating/{slug}.html", context)
    return render(request, "tenant_site/creating/_beside.html", context)


def _create(request: HttpRequest, draft: Draft, there: list[Subscription]) -> HttpResponse:
    """Make the machines of a draft, once, however often and from wherever this is asked."""
    try:
        with transaction.atomic():
            held = drafts.locked(draft.pk)
            if held.used_at is not None:
                return _to_made(request, held)
            wizard = drafts.judge(held, there)
            first = wizard.first_wrong()
            if first is None:
                made = _deploy(request, wizard)
                drafts.use(held, made)
    except Refused as refused:
        wizard = drafts.judge(draft, there)
        context = review.page(request, wizard) | {
            "refused": refused.message,
            "where": BY_SLUG.get(step_of(refused.field)),
        }
        return render(request, "tenant_site/creating/review.html", context)
    if first is not None:
        return _to(draft, first)
    if len(made) > 1:
        said = ngettext(
            "%(n)d machine is on its way.", "%(n)d machines are on their way.", len(made)
        )
        messages.success(request, said % {"n": len(made)})
    return _to_made(request, held)


def _deploy(request: HttpRequest, wizard: Wizard) -> list[Machine]:
    """Order what the draft says, and keep the keys the person wants to keep."""
    asked = wanted(wizard)
    common: dict[str, Any] = {
        "by": request.user,
        "subscription": wizard.offer.subscription,
        "order": asked.order,
        "request_key": str(wizard.draft.pk),
    }
    if asked.is_many:
        made = machines.deploy_many(**common, pattern=asked.order.name, count=asked.count)
    else:
        made = [machines.deploy(**common)]
    hours.plan(
        request.user,
        wizard.offer.subscription,
        made,
        asked.order.name,
        cast(OptionsForm, wizard.filled("options")).hours(),
    )
    identity = wizard.filled("identity").cleaned_data
    if identity.get("keep_keys"):
        keys.keep(request.user, identity["ssh_keys"])
    return made
