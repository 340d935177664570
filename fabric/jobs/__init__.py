"""The service plane's recipes, by the name a job row carries."""

from fabric.durable.recipe import Recipe
from fabric.jobs.deploy import DEPLOY
from fabric.jobs.leave import LEAVE
from fabric.jobs.operate import OPERATE
from fabric.jobs.provision import PROVISION
from fabric.jobs.remove import REMOVE

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe for recipe in (DEPLOY, OPERATE, REMOVE, PROVISION, LEAVE)
}
