"""Words for a machine's state, and what is possible in which."""

from __future__ import annotations

from django.db import models


class MachineState(models.TextChoices):
    CREATING = "creating", "Creating"
    RUNNING = "running", "Running"
    STOPPED = "stopped", "Stopped"
    PAUSED = "paused", "Paused"
    SAVED = "saved", "Saved"
    STORED = "stored", "In library"
    UPDATING = "updating", "Updating"
    DELETING = "deleting", "Deleting"
    FAILED = "failed", "Failed"
    UNREACHABLE = "unreachable", "Unreachable"
    MISSING = "missing", "Missing"
    DELETED = "deleted", "Deleted"


BUSY = (MachineState.CREATING, MachineState.UPDATING, MachineState.DELETING)
GONE = (MachineState.DELETED,)


class Verb(models.TextChoices):
    """What a person may ask of a machine; the value is the word in URLs and the log."""

    START = "start", "Start"
    SHUTDOWN = "shutdown", "Shut down"
    STOP = "stop", "Stop"
    PAUSE = "pause", "Pause"
    RESUME = "resume", "Resume"
    DELETE = "delete", "Delete"


# verb: (states it fits, permission in the plan, the words for "not now")
POSSIBLE: dict[str, tuple[tuple[str, ...], str]] = {
    Verb.START: ((MachineState.STOPPED, MachineState.SAVED), "Start"),
    Verb.SHUTDOWN: ((MachineState.RUNNING,), "Shutdown"),
    Verb.STOP: ((MachineState.RUNNING, MachineState.PAUSED), "Stop"),
    Verb.PAUSE: ((MachineState.RUNNING,), "PauseAndResume"),
    Verb.RESUME: ((MachineState.PAUSED,), "PauseAndResume"),
    Verb.DELETE: (
        (
            MachineState.STOPPED,
            MachineState.RUNNING,
            MachineState.PAUSED,
            MachineState.SAVED,
            MachineState.STORED,
            MachineState.FAILED,
            MachineState.MISSING,
            MachineState.UNREACHABLE,
        ),
        "Remove",
    ),
}

# What a plan always grants, and what its quota page may add: the field's own words. VMM knows more
# verbs; one is offered here once a tenant can use it.
ALWAYS_GRANTED = (
    "Author",
    "Create",
    "CreateFromVHDOrTemplate",
    "AllowLocalAdmin",
    "Remove",
    "AuthorVMNetwork",
)
GRANTABLE = {
    "Start": "Start",
    "Stop": "Stop (power off)",
    "Shutdown": "Shut down",
    "PauseAndResume": "Pause and resume",
}
GRANTED_BY_DEFAULT = tuple(GRANTABLE)
