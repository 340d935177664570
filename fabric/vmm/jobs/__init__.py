"""Recipes of VMM's jobs, by name, and what VMM says of each. Every module declares its own."""

from dataclasses import replace

from fabric.vmm import slots
from fabric.vmm.jobs import (
    adapters,
    checkpoints,
    clone,
    deploy,
    disks,
    drift,
    give,
    hosts,
    media,
    move,
    operate,
    rebuild,
    refresh,
    remove,
    store,
    trial,
    update,
)
from fabric.vmm.jobs.deploy import DEPLOY, DEPLOY_BARE, DEPLOY_STOPPED
from fabric.vmm.jobs.operate import OPERATIONS as _POWER
from fabric.vmm.jobs.refresh import REFRESH
from fabric.vmm.jobs.remove import REMOVE
from fabric.vmm.jobs.update import UPDATE
from fabric.vmm.jobs.work import Work

OPERATIONS = {**_POWER, REFRESH.name: REFRESH}
_MODULES = (
    adapters,
    checkpoints,
    clone,
    deploy,
    disks,
    drift,
    give,
    media,
    move,
    operate,
    rebuild,
    refresh,
    remove,
    store,
    trial,
    update,
)
WORKS = {work.recipe.name: work for module in _MODULES for work in module.WORKS}
# The slot of a heavy job is given back by the end of any job that holds one.
RECIPES = {
    name: replace(slots.freeing(work.recipe), broken=hosts.ending_broke)
    for name, work in WORKS.items()
}

__all__ = [
    "DEPLOY",
    "DEPLOY_BARE",
    "DEPLOY_STOPPED",
    "OPERATIONS",
    "RECIPES",
    "REMOVE",
    "UPDATE",
    "WORKS",
    "Work",
]
