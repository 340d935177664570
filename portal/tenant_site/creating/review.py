"""The last page of custom create: all that will be made, and what speaks against it."""

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
from portal.tenant_site.creating.order import Wanted, as_call, effect, wanted
from portal.tenant_site.creating.pages import frame
from portal.tenant_site.creating.wizard import BY_SLUG, REVIEW, Wizard, step_of
from portal.tenant_site.expected import expected_of
from portal.tenant_site.forms.creating.identity import DOMAIN, MEMBERSHIPS
from portal.tenant_site.forms.creating.options import OptionsForm
from portal.tenant_site.forms.creating.quick import plan_of
from portal.tenant_site.forms.creating.size import SizeForm


def page(request: HttpRequest, wizard: Wizard) -> dict[str, Any]:
    """Return the last page: all that will be made, and what speaks against it."""
    asked = wanted(wizard)
    findings = preflight.check(
        by=request.user,
        subscription=wizard.offer.subscription,
        order=asked.order,
        count=asked.count,
        offering=wizard.offer.told(),
        share=wizard.offer.share,
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
    step = BY_SLUG.get(step_of(finding.field))
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
