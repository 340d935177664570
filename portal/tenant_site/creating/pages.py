"""What the pages of custom create show: the line of steps, the form, and what stands beside it."""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fabric import crontab
from fabric.actions import preflight
from fabric.models import EndAction, ScheduledAction
from plans.rules import amount
from portal.templatetags.moments import exact
from portal.tenant_site.creating.expected import expected_of
from portal.tenant_site.creating.order import Wanted, as_call, effect, wanted
from portal.tenant_site.creating.wizard import BY_SLUG, REVIEW, STEP_OF_FIELD, Wizard
from portal.tenant_site.forms.creating.base import StepForm
from portal.tenant_site.forms.creating.identity import DOMAIN, MEMBERSHIPS, IdentityForm
from portal.tenant_site.forms.creating.options import OptionsForm
from portal.tenant_site.forms.creating.quick import plan_of
from portal.tenant_site.forms.creating.size import SizeForm, cores_words


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
    more = effect(wizard)
    return frame(wizard, slug) | {
        "form": form,
        "limits": wizard.offer.limits,
        "used": wizard.offer.used,
        "more": more,
        "names": names_of(wizard) if slug == "identity" else (),
        "facts": facts(wizard),
        "is_windows": wizard.about.is_windows,
    }


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
    text = request.GET.get("q", "").replace("\0", "").strip()[:100]
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


def review(request: HttpRequest, wizard: Wizard) -> dict[str, Any]:
    """Return the last page: all that will be made, and what speaks against it."""
    asked = wanted(wizard)
    findings = preflight.check(
        by=request.user,
        subscription=wizard.offer.subscription,
        order=asked.order,
        count=asked.count,
    )
    template = asked.order.template
    return frame(wizard, REVIEW) | {
        "parts": _parts(wizard, asked),
        "asked": asked,
        "names": asked.names,
        "limits": wizard.offer.limits,
        "used": wizard.offer.used,
        "more": effect(wizard),
        "price": wizard.offer.subscription.plan.price_text,
        "doubts": [_with_way(wizard, each) for each in findings if each.level != "ok"],
        "fine": [each for each in findings if each.level == "ok"],
        "stops": any(each.level == "bad" for each in findings),
        "call": as_call(wizard, asked, settings.TENANT_SITE_URL),
        "expected": expected_of([template.pk]).get(template.pk),
    }


def _with_way(wizard: Wizard, finding: preflight.Finding) -> dict[str, Any]:
    """Return a finding with the way to the page where it is put right."""
    step = BY_SLUG.get(STEP_OF_FIELD.get(finding.field, ""))
    return {
        "level": finding.level,
        "title": finding.title,
        "text": finding.text,
        "step": step.title if step else "",
        "url": reverse("machine-draft", args=[wizard.draft.pk, step.slug]) if step else "",
    }


def _parts(wizard: Wizard, asked: Wanted) -> list[dict[str, Any]]:
    """Return what was said on each page, with the way back to it."""
    rows = {
        "template": _template_rows(wizard, asked),
        "size": _size_rows(wizard, asked),
        "disks": _disk_rows(asked),
        "networks": _network_rows(asked),
        "identity": _identity_rows(wizard, asked),
        "options": _option_rows(wizard, asked),
    }
    return [
        {
            "slug": slug,
            "title": BY_SLUG[slug].title,
            "url": reverse("machine-draft", args=[wizard.draft.pk, slug]),
            "rows": said,
        }
        for slug, said in rows.items()
    ]


def _template_rows(wizard: Wizard, asked: Wanted) -> list[tuple[str, Any]]:
    template = asked.order.template
    return [
        (_("Plan"), plan_of(wizard.offer.subscription)),
        (_("Template"), template.name),
        (_("Operating system"), template.os_name or "–"),
    ]


def _size_rows(wizard: Wizard, asked: Wanted) -> list[tuple[str, Any]]:
    cores, memory_mb = cast(SizeForm, wizard.filled("size")).wanted()
    profile = asked.order.hardware_profile
    own = asked.order.cores is not None
    kind = profile.name if profile else _("My own values") if own else _("As the template")
    return [
        (_("Size"), kind),
        (_("Cores"), str(cores)),
        (_("Memory"), amount("memory_mb", memory_mb)),
    ]


def _disk_rows(asked: Wanted) -> list[tuple[str, Any]]:
    rows = [(_("From the template"), amount("storage_gb", asked.order.template.storage_gb))]
    for number, disk in enumerate(asked.order.disks, start=1):
        name = disk.name or _("Data disk %(n)d") % {"n": number}
        rows.append((name, amount("storage_gb", disk.size_gb)))
    return rows


def _network_rows(asked: Wanted) -> list[tuple[str, Any]]:
    return [
        (
            _("Adapter %(n)d") % {"n": number},
            f"{adapter.network.name}, {adapter.address or _('address from the pool')}",
        )
        for number, adapter in enumerate(asked.order.adapters, start=1)
    ]


def _identity_rows(wizard: Wizard, asked: Wanted) -> list[tuple[str, Any]]:
    guest, names = asked.order.guest, asked.names
    rows: list[tuple[str, Any]] = [
        (ngettext("Name", "Names", len(names)), ", ".join(names)),
        (_("Description"), asked.order.description),
        (_("Computer name"), guest.computer_name),
        (_("Administrator"), guest.admin_user),
        (_("Password"), _("set, not shown") if guest.password else ""),
        (_("SSH keys"), _keys_words(len(guest.ssh_keys))),
        (_("Product key"), _("set, not shown") if guest.product_key else ""),
        (_("User data"), _lines_words(guest.user_data)),
    ]
    if wizard.about.is_windows:
        said = wizard.filled("identity").cleaned_data
        zone = dict(wizard.filled("identity").fields["time_zone"].choices)
        rows += [
            (_("Time zone"), str(zone[said["time_zone"]]) if said["time_zone"] else ""),
            (_("Belongs to"), _membership_words(said["membership"], asked)),
        ]
        if guest.domain_join and guest.domain_join.ou:
            rows.append((_("Organisational unit"), guest.domain_join.ou))
    return [(title, said) for title, said in rows if said]


def _membership_words(membership: str, asked: Wanted) -> str:
    guest = asked.order.guest
    if membership == DOMAIN and guest.domain_join:
        join = guest.domain_join
        return _("the domain %(domain)s, joined as %(user)s") % {
            "domain": join.domain,
            "user": f"{join.account_domain}\\{join.user}",
        }
    if guest.workgroup:
        return _("the workgroup %(name)s") % {"name": guest.workgroup}
    return str(dict(MEMBERSHIPS)[membership])


def _keys_words(count: int) -> str:
    return ngettext("%(n)d key", "%(n)d keys", count) % {"n": count} if count else ""


def _lines_words(text: str) -> str:
    lines = len(text.splitlines())
    words = ngettext("%(n)d line, not shown", "%(n)d lines, not shown", lines)
    return words % {"n": lines} if lines else ""


def _option_rows(wizard: Wizard, asked: Wanted) -> list[tuple[str, Any]]:
    order = asked.order
    end = EndAction(order.end_action).label
    ends = format_html("{} – {}", exact(order.ends_at), end) if order.ends_at else _("none")
    return [
        (_("Tags"), ", ".join(order.tags) or _("none")),
        (_("End date"), ends),
        (_("Protected against deletion"), _("yes") if order.is_protected else _("no")),
        *[
            (str(ScheduledAction(action).label), crontab.in_words(cron))
            for action, cron in cast(OptionsForm, wizard.filled("options")).hours().crons()
        ],
    ]
