"""The operations log in words, and the way to what an entry is about."""

from __future__ import annotations

from django import template
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from portal import fabric_titles
from tenants.models import Operation

register = template.Library()

TITLES = {
    "machine.deploy": _("Deploy machine"),
    "machine.delete": _("Delete machine"),
    "machine.start": _("Start"),
    "machine.shutdown": _("Shut down"),
    "machine.stop": _("Stop"),
    "machine.pause": _("Pause"),
    "machine.resume": _("Resume"),
    "machine.continue": _("Go on with machine"),
    "subscription.create": _("Subscribe to"),
    "subscription.provision": _("Provision again"),
    "subscription.suspend": _("Suspend"),
    "subscription.activate": _("Activate"),
    "user.created": _("Create account"),
    "user.signed_up": _("Sign up"),
    "user.changed": _("Change account"),
    "plan.created": _("Create plan"),
    "plan.configured": _("Set quotas of"),
    "plan.access_changed": _("Change access of"),
    "provider.register": _("Register SPF"),
    "provider.change": _("Change registration of SPF"),
    "provider.remove": _("Remove registration of SPF"),
    "stamp.register": _("Register VMM server"),
    "stamp.rename": _("Rename VMM server"),
    "instance.set_up": _("Set up"),
}


@register.filter
def act_title(action: str) -> str:
    """Return an act's name in words; one without words says its own (area.noun.verb: verb noun)."""
    if action.count(".") > 1:
        if told := fabric_titles.title(action):
            return told
        noun, verb = action.split(".")[-2:]
        action = f"{verb} {noun}".replace("-", " ")
    return str(TITLES.get(action, action.replace(".", " ").replace("_", " ").capitalize()))


@register.simple_tag
def object_url(entry: Operation) -> str:
    """Return the page of what an entry is about, "" when it has none."""
    try:
        return reverse(entry.object_type, args=[entry.object_id])
    except NoReverseMatch:
        return ""
