"""What can be asked of a machine: one page for each that asks more, and the road of all of them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from fabric.vmm.actions import adapters, checkpoints, disks, machines, media, moves
from fabric.vmm.actions import affinity as affinity_sets
from fabric.vmm.actions.adapters import NewAdapter
from fabric.vmm.errors import VMMError
from fabric.vmm.models import AffinitySet, Job, VirtualMachine
from fabric.vmm.roles import Caller
from portal.admin_site.fabric import log
from portal.admin_site.fabric.console import Console, fabric_page
from portal.admin_site.fabric.pages import machine_commands
from portal.admin_site.fabric.pages import machine_forms as forms
from portal.admin_site.fabric.pages.machines import found

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
        gettext_lazy("Make a checkpoint of {machine}"),
        gettext_lazy("Make checkpoint"),
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


def operate(request: HttpRequest, console: Console, pk: uuid.UUID) -> HttpResponse:
    """Begin what a button of the command bar asks for."""
    machine = found(console, pk)
    verb = request.POST.get("verb", "")
    if verb not in machine_commands.VERBS:
        messages.error(request, _("There is no such command."))
        return redirect("fabric-machine", pk)
    repair = {verb: True} if verb in ("retry", "undo", "dismiss") else {}

    def act() -> Any:
        return machines.operate(console.caller, machine, "Repair" if repair else verb, **repair)

    try:
        carry_out(console, machine, verb.lower(), act)
    except VMMError as refused:
        messages.error(request, f"{refused.message} {refused.advice}".strip())
    return redirect("fabric-machine", pk)


def ask(request: HttpRequest, console: Console, pk: uuid.UUID, act: str) -> HttpResponse:
    """Ask what an act needs to know, and begin it."""
    machine = found(console, pk)
    if act not in ACTS:
        raise Http404
    wanted = ACTS[act]
    part = part_of(request, machine, wanted)
    form = wanted.form(request.POST or None, console=console, machine=machine, part=part)
    if request.method == "POST" and not request.POST:
        form = wanted.form({"": ""}, console=console, machine=machine, part=part)
    if form.is_valid():
        words = form.keywords()
        try:
            outcome = carry_out(
                console,
                machine,
                act,
                lambda: wanted.call(console.caller, machine if part is None else part, **words),
                words,
            )
        except VMMError as refused:
            form.refuse(refused)
        else:
            return redirect(lead(machine, wanted, outcome))
    names = {"machine": machine, "part": part_name(part)}
    back = f"{reverse('fabric-machine', args=[pk])}?tab={wanted.tab}"
    context = {
        "console": console,
        "machine": machine,
        "act": wanted,
        "form": form,
        "heading": str(wanted.title).format(**names),
        "about": str(wanted.about).format(**names),
        "back": back if wanted.tab else reverse("fabric-machine", args=[pk]),
        "up": console.link("fabric-machine-list"),
    }
    return render(request, "admin_site/fabric/machines/act.html", context)


def part_of(request: HttpRequest, machine: VirtualMachine, act: Act) -> Any:
    """Return the disk, adapter or checkpoint that is asked about."""
    if not act.part:
        return None
    try:
        wanted = uuid.UUID(request.GET.get("of", ""))
    except ValueError:
        raise Http404
    part = get_object_or_404(getattr(machine, act.part), pk=wanted)
    part.machine = machine
    return part


def part_name(part: Any) -> str:
    return str(part) if part is not None else ""


def lead(machine: VirtualMachine, act: Act, outcome: Any) -> str:
    """Return where the person goes next: to the machine, where its job is seen, mostly."""
    if isinstance(outcome, tuple):
        return reverse("fabric-machine", args=[outcome[0].pk])
    if act.leaves and isinstance(outcome, Job):
        return reverse("fabric-job", args=[outcome.pk])
    here = reverse("fabric-machine", args=[machine.pk])
    return f"{here}?tab={act.tab}" if act.tab else here


def carry_out(
    console: Console,
    machine: VirtualMachine,
    act: str,
    call: Callable[[], Any],
    words: dict[str, Any] | None = None,
) -> Any:
    """Do it, with a line in the operations log."""
    return log.carry_out(
        f"fabric.machine.{act}",
        call,
        by=console.request.user,
        object_type="fabric-machine",
        row=machine,
        parameters=words,
    )


def create(request: HttpRequest, console: Console) -> HttpResponse:
    """Make a machine, for a role or for the operators themselves."""
    said = {key: value for key, value in request.GET.items() if key in forms.NewMachine.base_fields}
    form = forms.NewMachine(request.POST or None, console=console, initial=said)
    if form.is_valid():
        words = form.keywords()
        try:
            machine = log.carry_out(
                "fabric.machine.add",
                lambda: make(console, words),
                by=request.user,
                object_type="fabric-machine",
                name=words["name"],
                parameters=words,
                secrets=form.secrets,
            )
        except VMMError as refused:
            form.refuse(refused)
        else:
            return redirect("fabric-machine", machine.pk)
    context = {"console": console, "form": form, "back": console.link("fabric-machine-list")}
    return render(request, "admin_site/fabric/machines/new.html", context)


def make(console: Console, words: dict[str, Any]) -> VirtualMachine:
    """Call the action with what the form says: rows by their ids."""
    asked = dict(words)
    network = asked.pop("network")
    for key in forms.NewMachine.rows:
        asked[key] = asked[key].pk if asked[key] is not None else None
    wanted = [NewAdapter(network_id=network.pk)] if network is not None else []
    assert console.server is not None
    made: VirtualMachine = machines.create(
        console.caller, server=console.server, adapters=wanted, **asked
    )[0]
    return made


operate_page = fabric_page(require_POST(operate), changes=True)
act_page = fabric_page(ask, changes=True)
new_page = fabric_page(sensitive_post_parameters()(create), changes=True)
