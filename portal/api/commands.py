"""Commands of a machine that change its power state, and of many at once."""

from __future__ import annotations

from fabric.actions import power
from fabric.states import Verb
from portal.api.frame import work
from portal.api.frame.answer import Answer
from portal.api.frame.endpoint import answers
from portal.api.machines import OfMachine

BULK = ("start", "stop", "shutdown", "restart", "delete")


class Command(OfMachine):
    """One power command; subclasses name it."""

    tag = "Machine commands"
    verb: Verb

    def begin(self) -> Answer:
        return work.begun(power.operate(by=self.caller.user, machine=self.machine, verb=self.verb))


def command(verb: Verb, summary: str, text: str) -> type[Command]:
    """Return the endpoint of a power command."""

    def post(self: Command) -> Answer:
        return self.begin()

    post.__doc__ = text
    told = answers(summary, gives=work.OperationShape, status=202, verb=verb)(post)
    return type(f"{verb.title()}Machine", (Command,), {"verb": verb, "post": told})


Start = command(Verb.START, "Start a machine", "One that is stopped or saved.")
Shutdown = command(Verb.SHUTDOWN, "Shut a machine down", "The guest is asked to.")
Stop = command(Verb.STOP, "Stop a machine", "As if the plug was pulled.")
Restart = command(Verb.RESTART, "Restart a machine", "Shut down, then started.")
Reset = command(Verb.RESET, "Reset a machine", "Stopped, then started.")
Pause = command(Verb.PAUSE, "Pause a machine", "It keeps its memory and takes no time.")
Resume = command(Verb.RESUME, "Resume a machine", "One that is paused.")
Save = command(Verb.SAVE, "Save a machine", "Its memory goes to disk; Start brings it back.")
POWER = {
    "start": Start,
    "shutdown": Shutdown,
    "stop": Stop,
    "restart": Restart,
    "reset": Reset,
    "pause": Pause,
    "resume": Resume,
    "save": Save,
}
