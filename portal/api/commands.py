"""Commands of a machine that change its power state, and of many at once."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from fabric.actions import bulk, power
from fabric.models import Machine
from fabric.states import Verb
from portal.api.frame import work
from portal.api.frame.answer import Answer
from portal.api.frame.endpoint import Endpoint, answers
from portal.api.frame.fields import Given, Id, Many, OneOf, Shape
from portal.api.machines import OfMachine
from portal.problems import KINDS

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


class ManyGiven(Given):
    command = OneOf(choices=BULK)
    machines = Many(child=Id(), allow_empty=False, max_length=200)


class OutcomeShape(Shape):
    """What came of one machine: its operation, or why there is none."""

    machine = serializers.UUIDField()
    operation = serializers.UUIDField(allow_null=True)
    refused = serializers.CharField(help_text="Empty when it was accepted.")


class OutcomesShape(Shape):
    results = OutcomeShape(many=True)


class CommandMany(Endpoint):
    tag = "Machine commands"

    @answers(
        "Command several machines",
        takes=ManyGiven,
        gives=OutcomesShape,
        status=202,
        waits=False,
        example={"command": "stop", "machines": ["3f2a…", "91bc…"]},
    )
    def post(self, given: dict[str, Any]) -> Answer:
        """Each is accepted or refused by itself. One that is not yours counts as refused.

        An API key needs the scope of the command.
        """
        self.caller.require_verb(given["command"])
        wanted = list(dict.fromkeys(given["machines"]))
        rows = self.caller.machines().filter(pk__in=wanted)
        found: dict[Any, Machine] = {
            row.pk: row
            for row in rows.select_related(
                "subscription__tenant", "subscription__plan__offering", "stamp__provider"
            )
        }
        # In one order for everybody: two who ask for the same machines do not wait for each other.
        known = [found[pk] for pk in sorted(found)]
        outcomes = bulk.many(by=self.caller.user, machines=known, verb=given["command"])
        told = {
            one.machine.pk: {
                "machine": one.machine.pk,
                "operation": one.job.pk if one.job else None,
                "refused": one.refused,
            }
            for one in outcomes
        }
        nothing = {"operation": None, "refused": str(KINDS["not_found"].title)}
        return Answer(
            {"results": [told.get(pk) or {"machine": pk, **nothing} for pk in wanted]}, 202
        )
