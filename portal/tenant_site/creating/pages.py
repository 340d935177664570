"""What the pages of custom create show: the line of steps, the form, and what stands beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from fabric.actions import ordering
from plans.rules import amount
from portal.asked import plain
from portal.templatetags.parts import quota_bars
from portal.tenant_site.creating.offer import Offer
from portal.tenant_site.creating.order import effect
from portal.tenant_site.creating.wizard import BY_SLUG, Wizard
from portal.tenant_site.expected import expected_of
from portal.tenant_site.forms.creating.base import StepForm
from portal.tenant_site.forms.creating.identity import IdentityForm
from portal.tenant_site.forms.creating.networks import NetworksForm
from portal.tenant_site.forms.creating.quick import plan_of
from portal.tenant_site.forms.creating.size import cores_words
from tenants.errors import Refused


def frame(wizard: Wizard, slug: str) -> dict[str, Any]:
    """Return what every page of a draft shows."""
    steps = wizard.states(slug)
    return {
        "title": _("New virtual machine"),
        "draft": wizard.draft,
        "slug": slug,
        "steps": steps,
        "number": next(each["number"] for each in steps if each["is_current"]),
        "step_title": next(each["title"] for each in steps if each["is_current"]),
        "here": reverse("machine-draft", args=[wizard.draft.pk, slug]),
        "offer": wizard.offer,
        "template": wizard.template,
        # Whoever has seen the last page may go back to it at once.
        "seen_all": all(wizard.is_visited(each) for each in BY_SLUG),
    }


def step(request: HttpRequest, wizard: Wizard, form: StepForm, slug: str) -> dict[str, Any]:
    """Return what a page with a form shows."""
    more, known = effect(wizard), facts(wizard)
    names = names_of(wizard) if slug == "identity" else ()
    addresses = addresses_of(wizard) if slug == "networks" else []
    words = {
        "identity": [", ".join(names)],
        "networks": [f"{each['title']}: {each['text']}" for each in addresses],
    }.get(slug, [", ".join(said for _title, said in known[2:])])
    return frame(wizard, slug) | {
        "form": form,
        "limits": wizard.offer.limits,
        "used": wizard.offer.used,
        "more": more,
        "names": names,
        "addresses": addresses,
        "facts": known,
        "said": in_short(words, wizard.offer, more),
        "is_windows": wizard.about.is_windows,
    }


def in_short(words: Iterable[str], offer: Offer, more: Mapping[str, int]) -> str:
    """Return what typing changed, for who hears the page; a limit that is passed comes last."""
    bars = quota_bars(offer.limits, offer.used, more)
    over = ", ".join(bar.title for bar in bars if bar.is_over)
    warning = _("Over the limit: %(what)s") % {"what": over} if over else ""
    return ". ".join(filter(None, (*words, warning)))


def addresses_of(wizard: Wizard) -> list[dict[str, str]]:
    """Return what is known of the addresses that were fixed. One query."""
    form = cast(NetworksForm, wizard.filled("networks"))
    fixed = []
    for number in range(form.count):
        address = str(form[f"address-{number}"].value() or "").strip()
        network = wizard.offer.network(str(form[f"network-{number}"].value() or ""))
        if address and network is not None:
            fixed.append((network, address))
    taken, told = ordering.taken_of(fixed), []
    for network, address in fixed:
        level, text = "ok", _("Free, as far as is known.")
        try:
            ordering.require_free(network, address, taken)
        except Refused as refused:
            level, text = "bad", refused.message
        told.append({"level": level, "title": f"{address} ({network.name})", "text": text})
    return told


def names_of(wizard: Wizard) -> tuple[str, ...]:
    """Return the names the identity step makes, nothing while it makes none."""
    form = cast(IdentityForm, wizard.filled("identity"))
    if "name" in form.errors or "count" in form.errors:
        return ()
    return tuple(form.names())


def facts(wizard: Wizard) -> list[tuple[str, str]]:
    """Return in short what the machine will be, as far as is known."""
    template, more = wizard.template, effect(wizard)
    if template is None:
        return []
    count = more["machines"] or 1
    size = (
        f"{cores_words(more['cores'] // count)}, {amount('memory_mb', more['memory_mb'] // count)}"
    )
    return [
        (_("Plan"), plan_of(wizard.offer.subscription)),
        (_("Template"), template.name),
        (_("Size"), size),
        (_("Storage"), amount("storage_gb", more["storage_gb"] // count)),
    ]


def templates(request: HttpRequest, wizard: Wizard, form: StepForm) -> dict[str, Any]:
    """Return the first page: the templates of one subscription, filtered by text and system."""
    text = plain(request.GET.get("q", ""))
    system = request.GET.get("system", "")
    there = wizard.offer.templates
    systems = sorted({one.os_type for one in there if one.os_type})
    chosen = str(form["template"].value() or "")
    shown = [
        one
        for one in there
        if str(one.pk) == chosen or (_fits(one, text) and system in ("", one.os_type))
    ]
    took = expected_of([one.pk for one in shown])
    return frame(wizard, "template") | {
        "form": form,
        "cards": [
            {
                "template": one,
                "checked": str(one.pk) == chosen,
                "icon": "monitor" if one.is_windows else "terminal",
                "expected": took.get(one.pk),
                "about": ", ".join(
                    (
                        cores_words(one.cores),
                        amount("memory_mb", one.memory_mb),
                        _("%(n)d GB disk") % {"n": one.storage_gb},
                    )
                ),
            }
            for one in shown
        ],
        "total": len(there),
        "text": text,
        "system": system if system in systems else "",
        "systems": systems,
        "subscriptions": [
            {
                "value": str(one.pk),
                "title": plan_of(one),
                "chosen": one.pk == wizard.offer.subscription.pk,
            }
            for one in wizard.usable
        ],
    }


def _fits(template: Any, text: str) -> bool:
    words = f"{template.name} {template.os_name} {template.description}".lower()
    return all(word in words for word in text.lower().split())
