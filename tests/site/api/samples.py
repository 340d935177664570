"""For every operation a request that succeeds in alice's world: its ids and its body."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from fabric.actions import groups, members, schedules
from fabric.actions.schedules import Target
from fabric.durable.states import JobState
from fabric.models import Group, Job, Machine, Offering
from fabric.states import MachineState
from plans.models import AddOn, Plan, Provisioning, Subscription, SubscriptionAddOn
from tenants.actions import api_keys, roles
from tenants.authority import Place
from tests.factories.fabric import make_cloud, make_plan, make_stamp
from tests.site.api.conftest import World

GUEST = {"password": "Correct-Horse-7"}
STATES = {
    "start": MachineState.STOPPED,
    "resume": MachineState.PAUSED,
    "clone": MachineState.STOPPED,
    "store": MachineState.STOPPED,
    "deploy-stored": MachineState.STORED,
}


class Samples:
    """Rows that operations name, made when they are asked for."""

    def __init__(self, world: World, alice: Any, bob: Any) -> None:
        self.world, self.alice, self.bob = world, alice, bob
        self.made: dict[str, Any] = {}

    def path(self, template: str) -> str:
        """Return the address with ids of alice's things in place of the names."""
        if "{id}" not in template:
            return template
        noun = template.split("/")[3]
        whole = template.replace("{id}", str(self.id_of(noun, template)))
        if "{taken}" in whole:
            whole = whole.replace("{taken}", str(self.taken.pk))
        if whole.endswith("/address/"):
            whole += "?address=10.20.0.99"
        return whole.replace("{machine}", str(self.world.machine.pk))

    def id_of(self, noun: str, template: str) -> Any:
        made: dict[str, Callable[[], Any]] = {
            "machines": lambda: self.world.machine,
            "disks": lambda: self.world.disk,
            "adapters": lambda: self.world.adapter,
            "checkpoints": lambda: self.world.checkpoint,
            "tenants": lambda: self.world.tenant,
            "plans": lambda: self.world.plan,
            "networks": lambda: self.world.machine.network,
            "subscriptions": lambda: self.world.subscription,
            "operations": self.failed_job,
            "members": lambda: self.bob.memberships.get(),
            "roles": self.role,
            "invitations": self.invitation,
            "api-keys": self.key,
            "groups": self.group,
            "schedules": self.schedule,
        }
        if noun not in self.made:
            self.made[noun] = made[noun]().pk
        return self.made[noun]

    @cached_property
    def taken(self) -> SubscriptionAddOn:
        return SubscriptionAddOn.objects.create(
            subscription=self.world.subscription, add_on=self.add_on()
        )

    @cached_property
    def second_plan(self) -> Plan:
        return make_plan(make_cloud(make_stamp()), "Second")

    def add_on(self) -> AddOn:
        made, _new = AddOn.objects.get_or_create(
            name="More memory", defaults={"access": "public", "memory_mb": 4096}
        )
        made.plans.add(self.world.plan)
        return made

    def failed_job(self) -> Job:
        machine = self.world.machine
        Machine.objects.filter(pk=machine.pk).update(state=MachineState.FAILED)
        return Job.objects.create(
            recipe="machine.operate",
            title="Stop web-01",
            subject=machine.pk,
            step="ensure_asked",
            state=JobState.FAILED,
            inputs={"verb": "stop", "was": "running"},
            fault={"code": "rejected", "message": "No.", "advice": ""},
            machine=machine,
            subscription=machine.subscription,
            stamp=machine.stamp,
        )

    def role(self) -> Any:
        return roles.create(
            by=self.alice, tenant=self.world.tenant, name="Night shift", given=["Start", "Stop"]
        )

    def invitation(self) -> Any:
        made, _token = members.invite(
            by=self.alice,
            tenant=self.world.tenant,
            email="erin@example.net",
            place=Place("reader"),
        )
        return made

    def key(self) -> Any:
        made, _text = api_keys.issue(
            by=self.alice, tenant=self.world.tenant, name="backup", scopes=["read"], days=1
        )
        return made

    @cached_property
    def one_group(self) -> Group:
        return groups.create(
            by=self.alice,
            subscription=self.world.subscription,
            name="Shop",
            machines=[self.world.machine],
        )

    def group(self) -> Group:
        return self.one_group

    def schedule(self) -> Any:
        return schedules.create(
            by=self.alice,
            subscription=self.world.subscription,
            name="Evenings off",
            action="stop",
            target=Target(machine=self.world.machine),
            cron="0 19 * * *",
            time_zone="UTC",
        )

    def body(self, method: str, template: str) -> Any:
        """Return a body that is accepted, None for an operation without one."""
        found = self._bodies().get(f"{method} {template.removeprefix('/api/v1')}")
        return found() if callable(found) else found

    def _bodies(self) -> dict[str, Any]:
        world = self.world
        subscription = str(world.subscription.pk)
        order = {
            "subscription": subscription,
            "template": str(world.machine.template_id),
            "guest": GUEST,
        }
        machine, media = str(world.machine.pk), str(world.media.pk)
        place = {"role": "reader"}
        return {
            "POST /machines/": {**order, "name": "web-02"},
            "POST /machines/several/": {**order, "pattern": "app##", "count": 2},
            "POST /machines/preflight/": {**order, "name": "web-02"},
            "POST /machines/command/": {"command": "stop", "machines": [machine]},
            "PATCH /machines/{id}/": {"memory_mb": 2048, "tags": ["shop"]},
            "POST /machines/{id}/clone/": {"name": "web-02"},
            "POST /machines/{id}/rebuild/": {"template": order["template"], "guest": GUEST},
            "POST /machines/{id}/rescue/": {"media": media},
            "PUT /machines/{id}/media/": {"media": media},
            "POST /machines/{id}/disks/": {"size_gb": 5},
            "PATCH /disks/{id}/": {"size_gb": world.disk.size_gb + 5},
            "POST /machines/{id}/adapters/": {"network": str(world.machine.network_id)},
            "PATCH /adapters/{id}/": {"address": ""},
            "POST /machines/{id}/checkpoints/": {"name": "before the upgrade"},
            "PATCH /checkpoints/{id}/": {"name": "before version 3"},
            "POST /checkpoints/{id}/clone/": {"name": "web-03"},
            "POST /subscriptions/": lambda: {
                "tenant": str(world.tenant.pk),
                "plan": str(self.second_plan.pk),
            },
            "PATCH /subscriptions/{id}/": {"name": "Web shop"},
            "POST /subscriptions/{id}/add-ons/": lambda: {"add_on": str(self.add_on().pk)},
            "PATCH /tenants/{id}/": {"name": "Alice and Sons"},
            "POST /tenants/{id}/invitations/": {"email": "frank@example.net", **place},
            "POST /tenants/{id}/roles/": {"name": "Day shift", "rights": ["Start"]},
            "PATCH /members/{id}/": {
                "role": "application",
                "limits": [{"subscription": subscription, "machines": 2}],
            },
            "PATCH /roles/{id}/": {"name": "Late shift"},
            "POST /api-keys/": {
                "tenant": str(world.tenant.pk),
                "name": "nightly",
                "scopes": ["read"],
                "days": 30,
            },
            "POST /groups/": {"subscription": subscription, "name": "Two", "machines": [machine]},
            "POST /groups/import/": {"subscription": subscription, "text": "Three;web-01\n"},
            "PATCH /groups/{id}/": {"on_failure": "skip"},
            "POST /groups/{id}/run/": {"command": "stop"},
            "POST /groups/{id}/machines/": {"machine": machine},
            "POST /groups/{id}/machines/{machine}/move/": {"up": True},
            "POST /schedules/": {
                "subscription": subscription,
                "name": "Mornings on",
                "action": "start",
                "tag": "office",
                "cron": "0 7 * * 1-5",
                "time_zone": "Europe/Berlin",
            },
            "PATCH /schedules/{id}/": {"is_enabled": False},
        }

    def prepare(self, method: str, template: str) -> None:
        """Put the world in the state in which the operation is possible."""
        word = template.rstrip("/").rpartition("/")[2]
        machines = Machine.objects.filter(pk=self.world.machine.pk)
        if template.startswith("/api/v1/machines/{id}/") and word in STATES:
            machines.update(state=STATES[word])
        if word == "cancel":
            Job.objects.filter(pk=self.made["operations"]).update(state=JobState.WAITING)
        if template.endswith("/end-rescue/"):
            machines.update(rescued_at=self.world.machine.created_at)
        if template.endswith("{id}/media/") and method == "DELETE":
            machines.update(media=self.world.media)
        if "disks" in template or word in ("rebuild", "store"):
            self.world.machine.checkpoints.all().delete()  # they would not fit any more
        if f"{method} {template}" == "PATCH /api/v1/machines/{id}/":
            machines.update(state=MachineState.STOPPED)
        offering = Offering.objects.get(plan=self.world.plan)
        offering.permissions = [*offering.permissions, "Store"]
        offering.save()
        if template.endswith("/retry/"):
            mine = Subscription.objects.filter(pk=self.world.subscription.pk)
            mine.update(provisioning=Provisioning.OUT_OF_SYNC)
        if template == "/api/v1/groups/{id}/machines/" and method == "POST":
            groups.remove(by=self.alice, group=self.group(), machine=self.world.machine)
