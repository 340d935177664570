"""The operations log in words, and the way to what an entry is about."""

from __future__ import annotations

from typing import Any

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
    "machine.restart": _("Restart"),
    "machine.reset": _("Reset"),
    "machine.save": _("Save"),
    "machine.configure": _("Configure"),
    "machine.tag": _("Tag"),
    "machine.protect": _("Change the protection of"),
    "machine.lease": _("Change the end date of"),
    "machine.lease.warn": _("Warn of the end of"),
    "machine.lease.end": _("End"),
    "machine.adapter.attach": _("Attach a network to"),
    "machine.adapter.change": _("Change a network of"),
    "machine.adapter.remove": _("Detach a network from"),
    "machine.disk.attach": _("Add a disk to"),
    "machine.disk.grow": _("Enlarge a disk of"),
    "machine.disk.remove": _("Remove a disk of"),
    "machine.media.insert": _("Insert an image into"),
    "machine.media.eject": _("Eject the image from"),
    "machine.checkpoint.create": _("Create a checkpoint of"),
    "machine.checkpoint.restore": _("Restore a checkpoint of"),
    "machine.checkpoint.rename": _("Rename a checkpoint of"),
    "machine.checkpoint.remove": _("Delete a checkpoint of"),
    "machine.clone": _("Clone to"),
    "machine.copy": _("Copy to"),
    "machine.from_checkpoint": _("Create from a checkpoint"),
    "machine.store": _("Store in the library"),
    "machine.deploy_stored": _("Bring back from the library"),
    "machine.rebuild": _("Rebuild"),
    "machine.rescue": _("Rescue"),
    "machine.end_rescue": _("End the rescue of"),
    "subscription.create": _("Subscribe to"),
    "subscription.provision": _("Provision again"),
    "subscription.suspend": _("Suspend"),
    "subscription.activate": _("Activate"),
    "subscription.rename": _("Rename"),
    "subscription.add_on": _("Take an add-on for"),
    "subscription.drop_add_on": _("Give back an add-on of"),
    "subscription.leave": _("Leave"),
    "group.create": _("Create group"),
    "group.change": _("Change group"),
    "group.add": _("Add a machine to"),
    "group.remove": _("Take a machine out of"),
    "group.order": _("Put in order"),
    "group.delete": _("Delete group"),
    "group.start": _("Start in order"),
    "group.shutdown": _("Shut down in order"),
    "group.stop": _("Stop in order"),
    "group.continue": _("Go on with group"),
    "schedule.create": _("Create schedule"),
    "schedule.change": _("Change schedule"),
    "schedule.pause": _("Pause schedule"),
    "schedule.resume": _("Resume schedule"),
    "schedule.delete": _("Delete schedule"),
    "schedule.switched_off": _("Switch off schedule"),
    "user.created": _("Create account"),
    "user.signed_up": _("Sign up"),
    "user.changed": _("Change account"),
    "user.second_factor_added": _("Set up a second factor"),
    "user.second_factor_removed": _("Remove a second factor"),
    "team.invite": _("Invite"),
    "team.invite_again": _("Invite again"),
    "team.withdraw_invitation": _("Withdraw the invitation of"),
    "team.join": _("Join the team"),
    "team.change": _("Change the place of"),
    "team.remove": _("Remove from the team"),
    "team.leave": _("Leave the team"),
    "tenant.change": _("Change tenant"),
    "role.create": _("Create role"),
    "role.change": _("Change role"),
    "role.delete": _("Delete role"),
    "api_key.issue": _("Create API key"),
    "api_key.revoke": _("Revoke API key"),
    "plan.created": _("Create plan"),
    "plan.changed": _("Change plan"),
    "plan.invitation": _("Try an invitation code for"),
    "plan.configured": _("Set quotas of"),
    "plan.access_changed": _("Change access of"),
    "add_on.created": _("Create add-on"),
    "add_on.changed": _("Change add-on"),
    "add_on.access_changed": _("Change access of"),
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
    if action not in TITLES and action.count(".") > 1:
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


@register.filter
def shown(value: Any) -> str:
    """Return a parameter of an act or a job as people read it."""
    if value is None or value == "" or value == []:
        return "–"
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    if isinstance(value, list | tuple):
        return ", ".join(shown(each) for each in value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {shown(each)}" for name, each in value.items())
    return str(value)
