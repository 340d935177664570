"""What the fuzzer meets: alice's machines to play with, charlie's to stay away from.

Everything of charlie's that has a text has the canary in it, so any trace of it in an answer is a
leak; his books are compared before and after.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.realspf import ALICE, CHARLIE, RealSPF, World, real_spf

CANARY = "Kanarienvogel"
# Passwords sent where they belong; no answer and no log may ever show one.
SECRET = "Tops3cr3t"
# Passwords in bodies so broken that they may land in a name; no refusal and no log may show one.
HINT = "Hints3cr3t"
FILE_CANARY = "file-kanarienvogel"
WEAK, WEAK_PASSWORD = "weak", "another-long-password"

Ids = dict[str, list[str]]


@dataclass(frozen=True)
class Known:
    """What a request may be made of: whose ids there are, and where things are."""

    world: World
    host: str
    mine: Ids
    others: Ids
    file: Path


@contextmanager
def running(folder: Path) -> Iterator[tuple[RealSPF, Known]]:
    """Yield a running SPF with both tenants' machines, and what is known of them."""
    fill_it = "from tests.fuzz import world; world.fill()"
    with real_spf(folder, "vmm", fill=fill_it) as spf:
        secret = folder / "secret.txt"
        secret.write_text(FILE_CANARY)
        mine = _ids(spf, spf.world.alice, ALICE)
        everything = _ids(spf, spf.world.charlie, CHARLIE)
        others = {
            name: [id for id in ids if id not in mine.get(name, ())]
            for name, ids in everything.items()
        }
        host = f"localhost:{spf.stack.ports['spf']}"
        yield spf, Known(spf.world, host, mine, {k: v for k, v in others.items() if v}, secret)


def _ids(spf: RealSPF, tenant: str, principal: str) -> Ids:
    found: Ids = {}
    with spf.client(spf.root(tenant), principal) as door:
        for entity_set in door.get("").json()["value"]:
            answer = door.get(entity_set["name"])
            rows = answer.json().get("value", []) if answer.status_code == 200 else []
            ids = [row["ID"] for row in rows if "ID" in row]
            if ids:
                found[entity_set["name"]] = ids
    return found


def fill() -> None:
    """Give both tenants machines; runs where Django does."""
    from fabric.spf.actions import create_account
    from fabric.vmm import actions
    from fabric.vmm.models import Cloud, UserRole, VirtualMachine, VMNetwork, VMTemplate
    from tests.factories.vmm import Fabric, acting_for, deploy, finish

    create_account(WEAK, WEAK_PASSWORD, is_vmm_administrator=False)
    cloud = Cloud.objects.get()
    fabric = Fabric(
        server=cloud.server,
        group=cloud.host_groups.get(),
        cloud=cloud,
        template=VMTemplate.objects.get(),
        network=VMNetwork.objects.get(),
        hosts=(),
    )
    for owner, mark in ((ALICE, "mine"), (CHARLIE, CANARY)):
        role = UserRole.objects.get(name__startswith=owner)
        caller = acting_for(role, f"{mark}-{owner}")
        for number in range(4):
            machine = deploy(fabric, caller, f"{mark}-{number}", description=f"{mark} described")
            _, job = actions.checkpoints.create(
                caller, machine, name=f"{mark} before", description=f"{mark} kept"
            )
            finish(job)
        texts = {"tag": f"{mark}-tag", "cost_center": f"{mark}-cost"}
        VirtualMachine.objects.filter(role=role).update(**texts)
        UserRole.objects.filter(pk=role.pk).update(description=f"{mark} role")


def books(spf: RealSPF) -> dict[str, Any]:
    """Return all that VMM has written down of charlie, as it stands now."""
    said = spf.stack.manage(
        "shell", "-v", "0", "-c", "from tests.fuzz import world; world.print_books()"
    )
    return dict(json.loads(said))


def print_books() -> None:
    """Print every row that belongs to charlie; runs where Django does."""
    from django.apps import apps
    from django.core import serializers
    from django.db.models import Model, Q

    from fabric.vmm.models import UserRole, VirtualMachine

    role = UserRole.objects.get(name__startswith=CHARLIE)
    machines = list(VirtualMachine.objects.filter(role=role).values_list("pk", flat=True))
    found: dict[str, Any] = {}
    for model in apps.get_app_config("vmm").get_models():
        owned = Q()
        for field in model._meta.concrete_fields:
            related: type[Model] | None = field.related_model  # type: ignore[assignment]
            if related is VirtualMachine or model is VirtualMachine and field.primary_key:
                owned |= Q(**{f"{field.name}__in": machines})
            elif related is UserRole or model is UserRole and field.primary_key:
                owned |= Q(**{field.name: role.pk})
        if owned:
            rows = model._default_manager.filter(owned).order_by("pk")
            found[model.__name__] = json.loads(serializers.serialize("json", rows))
    print(json.dumps(found))
