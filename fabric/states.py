"""Words for a machine's state, and what is possible in which."""

from __future__ import annotations

from collections.abc import Collection

from django.db import models
from django.utils.translation import gettext_lazy


class MachineState(models.TextChoices):
    CREATING = "creating", gettext_lazy("Creating")
    RUNNING = "running", gettext_lazy("Running")
    STOPPED = "stopped", gettext_lazy("Stopped")
    PAUSED = "paused", gettext_lazy("Paused")
    SAVED = "saved", gettext_lazy("Saved")
    STORED = "stored", gettext_lazy("In library")
    UPDATING = "updating", gettext_lazy("Updating")
    DELETING = "deleting", gettext_lazy("Deleting")
    FAILED = "failed", gettext_lazy("Failed")
    UNREACHABLE = "unreachable", gettext_lazy("Unreachable")
    MISSING = "missing", gettext_lazy("Missing")
    DELETED = "deleted", gettext_lazy("Deleted")


BUSY = (MachineState.CREATING, MachineState.UPDATING, MachineState.DELETING)
GONE = (MachineState.DELETED,)


class Verb(models.TextChoices):
    """What a person may ask of a machine; the value is the word in URLs and the log."""

    START = "start", gettext_lazy("Start")
    SHUTDOWN = "shutdown", gettext_lazy("Shut down")
    STOP = "stop", gettext_lazy("Stop")
    RESTART = "restart", gettext_lazy("Restart")
    RESET = "reset", gettext_lazy("Reset")
    PAUSE = "pause", gettext_lazy("Pause")
    RESUME = "resume", gettext_lazy("Resume")
    SAVE = "save", gettext_lazy("Save")
    DELETE = "delete", gettext_lazy("Delete")
    CONFIGURE = "configure", gettext_lazy("Configure")
    DISKS = "disks", gettext_lazy("Change disks")
    ADAPTERS = "adapters", gettext_lazy("Change networks")
    MEDIA = "media", gettext_lazy("Insert or eject media")
    CHECKPOINT = "checkpoint", gettext_lazy("Create and delete checkpoints")
    RESTORE = "restore", gettext_lazy("Restore a checkpoint")
    CLONE = "clone", gettext_lazy("Clone")
    STORE = "store", gettext_lazy("Store in the library")
    DEPLOY_STORED = "deploy_stored", gettext_lazy("Bring back from the library")
    REBUILD = "rebuild", gettext_lazy("Rebuild")
    RESCUE = "rescue", gettext_lazy("Rescue")
    END_RESCUE = "end_rescue", gettext_lazy("End the rescue")
    TAG = "tag", gettext_lazy("Tag")
    PROTECT = "protect", gettext_lazy("Protect")
    LEASE = "lease", gettext_lazy("Set an end date")
    CONNECT = "connect", gettext_lazy("Connect")


# The commands that only change its power state.
POWER = (
    Verb.START,
    Verb.SHUTDOWN,
    Verb.STOP,
    Verb.RESTART,
    Verb.RESET,
    Verb.PAUSE,
    Verb.RESUME,
    Verb.SAVE,
)
_OFF = (MachineState.STOPPED,)
_RUNS = (MachineState.RUNNING,)
_ON_OR_OFF = (MachineState.RUNNING, MachineState.STOPPED)
_HELD = (MachineState.RUNNING, MachineState.STOPPED, MachineState.PAUSED, MachineState.SAVED)
_SETTLED = (*_HELD, MachineState.STORED)
_THERE = (*_SETTLED, MachineState.FAILED, MachineState.MISSING, MachineState.UNREACHABLE)

# verb: (states it fits, the permission it needs from the plan and from the member's role)
POSSIBLE: dict[str, tuple[tuple[str, ...], str]] = {
    Verb.START: ((MachineState.STOPPED, MachineState.SAVED), "Start"),
    Verb.SHUTDOWN: (_RUNS, "Shutdown"),
    Verb.STOP: ((MachineState.RUNNING, MachineState.PAUSED), "Stop"),
    Verb.RESTART: (_RUNS, "Shutdown"),
    Verb.RESET: (_RUNS, "Stop"),
    Verb.PAUSE: (_RUNS, "PauseAndResume"),
    Verb.RESUME: ((MachineState.PAUSED,), "PauseAndResume"),
    Verb.SAVE: (_RUNS, "Save"),
    Verb.DELETE: (_THERE, "Remove"),
    Verb.CONFIGURE: (_HELD, "Author"),
    Verb.DISKS: (_ON_OR_OFF, "Author"),
    Verb.ADAPTERS: (_ON_OR_OFF, "Author"),
    Verb.MEDIA: (_ON_OR_OFF, "Author"),
    Verb.CHECKPOINT: (_HELD, "Checkpoint"),
    Verb.RESTORE: (_HELD, "Checkpoint"),
    Verb.CLONE: (_OFF, "Create"),
    Verb.STORE: (_OFF, "Store"),
    Verb.DEPLOY_STORED: ((MachineState.STORED,), "Store"),
    Verb.REBUILD: (_ON_OR_OFF, "Create"),
    Verb.RESCUE: (_ON_OR_OFF, "Author"),
    Verb.END_RESCUE: (_ON_OR_OFF, "Author"),
    Verb.TAG: (_THERE, "Author"),
    Verb.PROTECT: (_THERE, "Author"),
    Verb.LEASE: (_THERE, "Author"),
    Verb.CONNECT: (_RUNS, "RemoteConnect"),
}
# What it needs besides, and what does in place of the permission above.
NEEDS_BESIDES: dict[str, tuple[str, ...]] = {
    Verb.RESTART: ("Start",),
    Verb.RESET: ("Start",),
    Verb.REBUILD: ("Stop", "Start", "Remove"),
    Verb.RESCUE: ("Stop", "Start"),
    Verb.END_RESCUE: ("Stop", "Start"),
}
DOES_INSTEAD: dict[str, str] = {Verb.RESTORE: "CheckpointRestoreOnly"}


def missing_for(verb: str, granted: Collection[str]) -> str | None:
    """Return the first permission that a command lacks, None when it has all."""
    needed = POSSIBLE[verb][1]
    if needed not in granted and DOES_INSTEAD.get(verb) not in granted:
        return needed
    return next((each for each in NEEDS_BESIDES.get(verb, ()) if each not in granted), None)


# What a plan always grants, and what its quota page may add: the field's own words.
ALWAYS_GRANTED = (
    "Author",
    "Create",
    "CreateFromVHDOrTemplate",
    "AllowLocalAdmin",
    "Remove",
    "AuthorVMNetwork",
)
GRANTABLE = {
    "Start": gettext_lazy("Start"),
    "Stop": gettext_lazy("Stop (power off)"),
    "Shutdown": gettext_lazy("Shut down"),
    "PauseAndResume": gettext_lazy("Pause and resume"),
    "Save": gettext_lazy("Save the state"),
    "Checkpoint": gettext_lazy("Create and delete checkpoints"),
    "CheckpointRestoreOnly": gettext_lazy("Restore checkpoints"),
    "Store": gettext_lazy("Store in the library"),
    "RemoteConnect": gettext_lazy("Connect to machines"),
}
GRANTED_BY_DEFAULT = tuple(word for word in GRANTABLE if word != "Store")
