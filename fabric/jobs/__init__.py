"""The service plane's recipes, by the name a job row carries."""

from fabric.durable.recipe import Recipe
from fabric.jobs.change import CHANGE
from fabric.jobs.copy import COPY
from fabric.jobs.deploy import DEPLOY
from fabric.jobs.group import GROUP_RUN
from fabric.jobs.leave import LEAVE
from fabric.jobs.operate import OPERATE
from fabric.jobs.provision import PROVISION
from fabric.jobs.rebuild import REBUILD
from fabric.jobs.remove import REMOVE
from fabric.jobs.rescue import RESCUE
from fabric.jobs.restart import RESTART

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        DEPLOY,
        COPY,
        OPERATE,
        RESTART,
        CHANGE,
        REBUILD,
        RESCUE,
        REMOVE,
        PROVISION,
        LEAVE,
        GROUP_RUN,
    )
}
