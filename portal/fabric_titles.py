"""The acts of the fabric's console in words: fabric.<noun>.<verb> as the operations log keeps it.

What begins a job says so: how it ended is the job's to tell.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

NOUNS: dict[str, Any] = {
    "account": _("Run As account"),
    "affinity-set": _("Affinity set"),
    "capability-profile": _("Capability profile"),
    "classification": _("Storage classification"),
    "cloud": _("Fabric cloud"),
    "disk": _("Library disk"),
    "drift": _("Difference"),
    "file": _("Library file"),
    "guest-profile": _("Guest profile"),
    "hardware-profile": _("Hardware profile"),
    "host": _("Host"),
    "host-group": _("Host group"),
    "job": _("Job"),
    "library-server": _("Library server"),
    "library-share": _("Library share"),
    "load-balancer": _("Load balancer"),
    "logical-network": _("Logical network"),
    "mac-pool": _("MAC pool"),
    "machine": _("Machine"),
    "pool": _("Address pool"),
    "role": _("User role"),
    "server": _("VMM server"),
    "site": _("Network site"),
    "spf-account": _("SPF account"),
    "subnet": _("Subnet"),
    "template": _("VM template"),
    "vip-template": _("VIP template"),
    "vm-network": _("VM network"),
    "volume": _("Volume"),
}
VERBS: dict[str, Any] = {
    "add": _("%s added"),
    "change": _("%s changed"),
    "remove": _("%s removed"),
}
TITLES: dict[str, Any] = {
    "drift.adopt": _("Difference adopted"),
    "drift.repair": _("Repair of difference begun"),
    "drift.ignore": _("Difference ignored"),
    "drift.reopen": _("Difference opened again"),
    "host.drain": _("Drain of host begun"),
    "host.stop-drain": _("Drain of host stopped"),
    "host.maintain": _("Maintenance of host begun"),
    "host.release": _("Maintenance of host ended"),
    "job.cancel": _("Job cancelled"),
    "job.resume": _("Job resumed"),
    "job.undo": _("Undoing of job begun"),
    "machine.add": _("Creation of machine begun"),
    "machine.adapter-add": _("Adding adapter to machine begun"),
    "machine.adapter-change": _("Change of adapter begun on machine"),
    "machine.adapter-remove": _("Removing adapter from machine begun"),
    "machine.affinity": _("Affinity set chosen for machine"),
    "machine.checkpoint-make": _("Checkpoint begun of machine"),
    "machine.checkpoint-remove": _("Removing checkpoint begun of machine"),
    "machine.checkpoint-rename": _("Checkpoint renamed of machine"),
    "machine.checkpoint-restore": _("Restoring checkpoint begun of machine"),
    "machine.clone": _("Cloning of machine begun"),
    "machine.configure": _("Machine configured"),
    "machine.deploy": _("Deployment of stored machine begun"),
    "machine.discardsavedstate": _("Discarding state of machine begun"),
    "machine.disk-add": _("Adding disk to machine begun"),
    "machine.disk-detach": _("Detaching disk from machine begun"),
    "machine.disk-grow": _("Enlarging disk begun of machine"),
    "machine.disk-move": _("Moving disk begun of machine"),
    "machine.disk-remove": _("Removing disk from machine begun"),
    "machine.dismiss": _("Failure dismissed of machine"),
    "machine.dvd-add": _("DVD drive added to machine"),
    "machine.dvd-eject": _("Ejecting image begun from machine"),
    "machine.dvd-insert": _("Inserting image begun into machine"),
    "machine.dvd-remove": _("DVD drive removed from machine"),
    "machine.give": _("Owner changed of machine"),
    "machine.move": _("Move of machine begun"),
    "machine.refresh": _("Refresh of machine begun"),
    "machine.remove": _("Removal of machine begun"),
    "machine.reset": _("Reset of machine begun"),
    "machine.resume": _("Resuming of machine begun"),
    "machine.retry": _("Retry of failed work begun on machine"),
    "machine.savestate": _("Saving state of machine begun"),
    "machine.shutdown": _("Shutdown of machine begun"),
    "machine.start": _("Start of machine begun"),
    "machine.stop": _("Turning off machine begun"),
    "machine.store": _("Storing of machine begun"),
    "machine.suspend": _("Pausing of machine begun"),
    "machine.undo": _("Undoing of failed work begun on machine"),
    "spf-account.disable": _("SPF account disabled"),
    "spf-account.enable": _("SPF account enabled"),
    "spf-account.password": _("New password for SPF account"),
    "trial.begin": _("Test deployment begun"),
}


def title(action: str) -> str:
    """Return the words for an act of the fabric, "" where there are none."""
    _area, noun, verb = action.split(".", 2)
    if f"{noun}.{verb}" in TITLES:
        return str(TITLES[f"{noun}.{verb}"])
    if noun in NOUNS and verb in VERBS:
        return str(VERBS[verb] % NOUNS[noun])
    return ""
