"""What can be asked of a machine: for each its form, the action it calls, and the tab it is of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy

from fabric.vmm.actions import adapters, checkpoints, disks, machines, media, moves
from fabric.vmm.actions import affinity as affinity_sets
from fabric.vmm.models import AffinitySet, VirtualMachine
from fabric.vmm.roles import Caller
from portal.admin_site.fabric.pages import machine_forms as forms

Call = Callable[..., Any]


def choose_set(caller: Caller, machine: VirtualMachine, *, affinity: AffinitySet | None) -> Any:
    """Put a machine into a set, or with none out of the one it is in."""
    if affinity is not None:
        return affinity_sets.put_in(caller, affinity, machines=[machine])
    if machine.affinity is not None:
        return affinity_sets.take_out(caller, machine.affinity, machines=[machine])
    return None


@dataclass(frozen=True)
class Act:
    """One thing to ask: its form, the action it calls, and the tab that it belongs to.

    `part` names the machine's rows that one of is asked about. With `leaves` the machine's page
    will be gone, and the job's is shown.
    """

    title: Any
    button: Any
    form: type[forms.ActForm]
    call: Call
    tab: str = ""
    part: str = ""
    about: Any = ""
    tone: str = ""
    leaves: bool = False


ACTS: dict[str, Act] = {
    "configure": Act(
        gettext_lazy("Configure {machine}"),
        gettext_lazy("Save"),
        forms.Configure,
        machines.update,
        "configure",
    ),
    "give": Act(
        gettext_lazy("Give {machine} to another owner"),
        gettext_lazy("Change owner"),
        forms.Give,
        machines.give,
        "configure",
    ),
    "disk-add": Act(
        gettext_lazy("Add a disk to {machine}"),
        gettext_lazy("Add disk"),
        forms.AddDisk,
        disks.add,
        "disks",
        about=gettext_lazy("An empty disk, or a copy of one of the library."),
    ),
    "disk-grow": Act(
        gettext_lazy("Enlarge {part}"),
        gettext_lazy("Enlarge"),
        forms.GrowDisk,
        disks.grow,
        "disks",
        "disks",
    ),
    "disk-move": Act(
        gettext_lazy("Move {part}"),
        gettext_lazy("Move"),
        forms.MoveDisk,
        disks.move,
        "disks",
        "disks",
        gettext_lazy("To storage of another classification on the same host."),
    ),
    "disk-detach": Act(
        gettext_lazy("Detach {part} from {machine}?"),
        gettext_lazy("Detach"),
        forms.Sure,
        disks.detach,
        "disks",
        "disks",
        gettext_lazy("It is kept as a disk of the library, and can be added again."),
    ),
    "disk-remove": Act(
        gettext_lazy("Remove {part} from {machine}?"),
        gettext_lazy("Remove for good"),
        forms.Named,
        disks.remove,
        "disks",
        "disks",
        gettext_lazy("What is on the disk is lost for good. Nobody can bring it back."),
        "danger",
    ),
    "adapter-add": Act(
        gettext_lazy("Add a network adapter to {machine}"),
        gettext_lazy("Add adapter"),
        forms.AddAdapter,
        adapters.attach,
        "networks",
    ),
    "adapter-change": Act(
        gettext_lazy("Change a network adapter of {machine}"),
        gettext_lazy("Save"),
        forms.ChangeAdapter,
        adapters.change,
        "networks",
        "adapters",
    ),
    "adapter-remove": Act(
        gettext_lazy("Remove a network adapter of {machine}?"),
        gettext_lazy("Remove"),
        forms.Sure,
        adapters.remove,
        "networks",
        "adapters",
        gettext_lazy("Its addresses are given back to their pools."),
        "danger",
    ),
    "dvd-insert": Act(
        gettext_lazy("Insert an ISO image into {machine}"),
        gettext_lazy("Insert"),
        forms.Insert,
        media.insert,
        "dvd",
    ),
    "dvd-eject": Act(
        gettext_lazy("Eject the ISO image of {machine}?"),
        gettext_lazy("Eject"),
        forms.Sure,
        media.eject,
        "dvd",
    ),
    "dvd-add": Act(
        gettext_lazy("Add a DVD drive to {machine}?"),
        gettext_lazy("Add drive"),
        forms.Sure,
        media.add_drive,
        "dvd",
        about=gettext_lazy("It is empty until an image is inserted."),
    ),
    "dvd-remove": Act(
        gettext_lazy("Remove the DVD drive of {machine}?"),
        gettext_lazy("Remove drive"),
        forms.Sure,
        media.remove_drive,
        "dvd",
        "dvds",
        gettext_lazy("It is empty. It comes back when an image is inserted."),
        "danger",
    ),
    "checkpoint-make": Act(
        gettext_lazy("Create a checkpoint of {machine}"),
        gettext_lazy("Create checkpoint"),
        forms.MakeCheckpoint,
        lambda *args, **words: checkpoints.create(*args, **words)[1],
        "checkpoints",
    ),
    "checkpoint-restore": Act(
        gettext_lazy("Restore {part}?"),
        gettext_lazy("Restore"),
        forms.Sure,
        checkpoints.restore,
        "checkpoints",
        "checkpoints",
        gettext_lazy(
            "{machine} is brought back to where it was. What was written since is lost, unless "
            "another checkpoint holds it."
        ),
        "danger",
    ),
    "checkpoint-rename": Act(
        gettext_lazy("Rename {part}"),
        gettext_lazy("Save"),
        forms.RenameCheckpoint,
        checkpoints.rename,
        "checkpoints",
        "checkpoints",
    ),
    "checkpoint-remove": Act(
        gettext_lazy("Remove {part}?"),
        gettext_lazy("Remove"),
        forms.RemoveCheckpoint,
        checkpoints.remove,
        "checkpoints",
        "checkpoints",
        gettext_lazy("The machine stays as it is, and can not be brought back to there any more."),
        "danger",
    ),
    "move": Act(
        gettext_lazy("Move {machine} to another host"),
        gettext_lazy("Move"),
        forms.Move,
        moves.move,
        "placement",
        about=gettext_lazy("Live while it runs, where its host can do that."),
    ),
    "affinity": Act(
        gettext_lazy("Affinity set of {machine}"),
        gettext_lazy("Save"),
        forms.ChooseSet,
        choose_set,
        "placement",
        about=gettext_lazy("The machine stays where it is; its next placement goes by the set."),
    ),
    "clone": Act(
        gettext_lazy("Clone {machine}"),
        gettext_lazy("Clone"),
        forms.Clone,
        machines.clone,
        about=gettext_lazy("Another machine like it, with MACs and addresses of its own."),
    ),
    "deploy": Act(
        gettext_lazy("Deploy {machine} from the library"),
        gettext_lazy("Deploy"),
        forms.Deploy,
        machines.deploy_stored,
        about=gettext_lazy("To the best host of its cloud, with the addresses it has."),
    ),
    "remove": Act(
        gettext_lazy("Remove {machine}?"),
        gettext_lazy("Remove for good"),
        forms.Named,
        machines.remove,
        about=gettext_lazy(
            "{machine} and its disks are deleted for good. Nobody can bring them back."
        ),
        tone="danger",
        leaves=True,
    ),
}
