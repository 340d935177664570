from fabric.models.devices import Adapter, Checkpoint, Disk
from fabric.models.grant import MachineGrant
from fabric.models.inventory import (
    Cloud,
    HardwareProfile,
    LibraryDisk,
    Media,
    Network,
    Template,
)
from fabric.models.job import Job
from fabric.models.load import Load
from fabric.models.machine import EndAction, Machine
from fabric.models.offering import Offering
from fabric.models.provider import Provider
from fabric.models.schedule import (
    Group,
    GroupMember,
    OnFailure,
    RunOutcome,
    Schedule,
    ScheduledAction,
    ScheduleRun,
)
from fabric.models.stamp import Stamp

__all__ = [
    "Adapter",
    "Checkpoint",
    "Cloud",
    "Disk",
    "EndAction",
    "Group",
    "GroupMember",
    "HardwareProfile",
    "Job",
    "LibraryDisk",
    "Load",
    "Machine",
    "MachineGrant",
    "Media",
    "Network",
    "Offering",
    "OnFailure",
    "Provider",
    "RunOutcome",
    "Schedule",
    "ScheduleRun",
    "ScheduledAction",
    "Stamp",
    "Template",
]
