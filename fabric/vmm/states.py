"""Where a machine stands, in VMM's words (value: Status, label: StatusString), and the families."""

from __future__ import annotations

from django.db import models


class MachineStatus(models.TextChoices):
    UNDER_CREATION = "UnderCreation", "Creating..."
    CREATION_FAILED = "CreationFailed", "Creation Failed"
    RUNNING = "Running", "Running"
    POWER_OFF = "PowerOff", "Stopped"
    PAUSED = "Paused", "Paused"
    SAVED = "Saved", "Saved"
    STARTING = "Starting", "Starting..."
    POWERING_OFF = "PoweringOff", "Stopping..."
    PAUSING = "Pausing", "Pausing..."
    SAVING = "Saving", "Saving..."
    RESTORING = "Restoring", "Restoring..."
    UNDER_UPDATE = "UnderUpdate", "Updating..."
    UPDATE_FAILED = "UpdateFailed", "Update Failed"
    UNDER_MIGRATION = "UnderMigration", "Migrating..."
    STORING = "Storing", "Storing..."
    STORED = "Stored", "Stored"
    CREATING_CHECKPOINT = "CreatingCheckpoint", "Creating checkpoint..."
    RECOVERING_CHECKPOINT = "RecoveringCheckpoint", "Restoring checkpoint..."
    DELETING_CHECKPOINT = "DeletingCheckpoint", "Deleting checkpoint..."
    DELETING = "Deleting", "Deleting..."
    HOST_NOT_RESPONDING = "HostNotResponding", "Host Not Responding"
    MISSING = "Missing", "Missing"


REMOVABLE = frozenset(
    {
        MachineStatus.POWER_OFF,
        MachineStatus.SAVED,
        MachineStatus.STORED,
        MachineStatus.CREATION_FAILED,
        MachineStatus.UPDATE_FAILED,
        MachineStatus.HOST_NOT_RESPONDING,
        MachineStatus.MISSING,
    }
)

# Where a machine stands when it is well and nothing is at work on it.
SETTLED = frozenset(
    {
        MachineStatus.RUNNING,
        MachineStatus.POWER_OFF,
        MachineStatus.PAUSED,
        MachineStatus.SAVED,
    }
)

# What it is made of must stay: a failed creation may be resumed.
UNFINISHED = frozenset({MachineStatus.UNDER_CREATION, MachineStatus.CREATION_FAILED})

_SHOWN_AS_ITSELF = frozenset(
    {
        MachineStatus.RUNNING,
        MachineStatus.PAUSED,
        MachineStatus.SAVED,
        MachineStatus.STARTING,
        MachineStatus.POWERING_OFF,
        MachineStatus.PAUSING,
        MachineStatus.SAVING,
        MachineStatus.RESTORING,
    }
)


_WORDS = {str(status): str(status.label) for status in MachineStatus}


def status_string(status: str) -> str:
    """Return StatusString, which is a Status in words."""
    return _WORDS[status]


def machine_state(status: str) -> str:
    """Return VirtualMachineState, which knows power and nothing else, for a Status."""
    return status if status in _SHOWN_AS_ITSELF else str(MachineStatus.POWER_OFF)
