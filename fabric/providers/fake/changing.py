"""Changes of machines in the fake cloud, and what hangs on them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial

from fabric.providers import changes, reached, requiring
from fabric.providers.abilities import ALL
from fabric.providers.base import Accepted, Devices, RemoteNetwork
from fabric.providers.changes import Change
from fabric.providers.errors import Missing
from fabric.providers.fake import judging
from fabric.providers.fake.cloud import FakeCloud
from fabric.providers.fake.devices import carry_out
from fabric.providers.fake.world import FakeMachine


class Changing(FakeCloud):
    """The verbs that change machines, and tell their devices."""

    def change(
        self,
        change: Change,
        *,
        stamp_id: uuid.UUID,
        tenant: uuid.UUID,
        person: str,
        first_try: bool,
        key: str,
    ) -> Accepted | None:
        with self._call("change") as fails:
            requiring.require_change(change, ALL - self.abilities)
            machine = self._owned_by(tenant, change.machine_id)
            if not first_try:
                found = reached.look(change, machine.shown(), machine.devices())
                is_live = self._is_live(machine)
                if found is not None or (is_live and reached.is_at_work(change, machine.status)):
                    made = found.object_id if found else None
                    job_id = machine.job_id if is_live else None
                    return Accepted(made or machine.id, job_id) if made or job_id else None
            try:
                more = self._judged(change, machine, tenant)
            except Missing:
                if isinstance(change, reached.REMOVING):
                    return None
                raise
            self._require_quota(machine.tenant, more)
            return self._change(change, machine, fails=fails)

    def _judged(self, change: Change, machine: FakeMachine, tenant: uuid.UUID) -> Mapping[str, int]:
        return judging.require_change(
            change,
            machine,
            self.roles.role(tenant),
            networks=self.networks,
            media=[each.id for each in self.media],
            library={each.id: each.size_gb for each in self.library_disks},
        )

    def _change(self, change: Change, machine: FakeMachine, *, fails: bool) -> Accepted:
        """Start the job of a change; what it does is seen when it has ended."""
        if isinstance(change, changes.AddDisk) and change.library_disk_id is not None:
            sizes = {each.id: each.size_gb for each in self.library_disks}
            change = replace(change, size_gb=sizes[change.library_disk_id])
        made = uuid.uuid4()
        networks = {network.id: network for network in self.networks}
        before = machine.status
        ends = {changes.Store: "Stored", changes.DeployStored: "PowerOff"}
        accepted = self._begin(
            machine,
            through=reached.BUSY.get(type(change), reached.BUSY_ELSE),
            ends=ends.get(type(change), before),
            falls=before,
            fails=fails,
            act=partial(_act, change, machine, made, networks),
        )
        return replace(accepted, object_id=made) if isinstance(change, reached.MAKING) else accepted

    def devices(self, stamp_id: uuid.UUID, machine_ids: Iterable[uuid.UUID]) -> tuple[Devices, ...]:
        with self._call("devices"):
            here = stamp_id == self.stamp.id
            ids = dict.fromkeys(machine_ids)
            return tuple(self.held[id].devices() for id in ids if here and id in self.held)


def _act(
    change: Change,
    machine: FakeMachine,
    made: uuid.UUID,
    networks: Mapping[uuid.UUID, RemoteNetwork],
) -> None:
    if isinstance(change, changes.Configure):
        for name in ("name", "description", "cores", "memory_mb"):
            if getattr(change, name) is not None:
                setattr(machine, name, getattr(change, name))
    carry_out(change, machine.parts, made, networks)
