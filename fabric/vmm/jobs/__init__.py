"""Recipes of VMM's jobs, by name, and what VMM says of each. Every module declares its own."""

from fabric.vmm.jobs import checkpoints, deploy, drift, media, operate, remove, update
from fabric.vmm.jobs.deploy import DEPLOY, DEPLOY_BARE, DEPLOY_STOPPED
from fabric.vmm.jobs.operate import OPERATIONS
from fabric.vmm.jobs.remove import REMOVE
from fabric.vmm.jobs.update import UPDATE
from fabric.vmm.jobs.work import Work

WORKS = {
    work.recipe.name: work
    for module in (checkpoints, deploy, drift, media, operate, remove, update)
    for work in module.WORKS
}
RECIPES = {name: work.recipe for name, work in WORKS.items()}

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
