"""Recipes of VMM's jobs, by name."""

from fabric.vmm.jobs.deploy import DEPLOY, DEPLOY_BARE, DEPLOY_STOPPED
from fabric.vmm.jobs.operate import OPERATIONS, UPDATE
from fabric.vmm.jobs.remove import REMOVE

RECIPES = {
    recipe.name: recipe
    for recipe in (
        DEPLOY,
        DEPLOY_STOPPED,
        DEPLOY_BARE,
        UPDATE,
        REMOVE,
        *(operation.recipe for operation in OPERATIONS.values()),
    )
}

__all__ = ["DEPLOY", "DEPLOY_BARE", "DEPLOY_STOPPED", "OPERATIONS", "RECIPES", "REMOVE", "UPDATE"]
