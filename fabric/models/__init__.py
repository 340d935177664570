from fabric.models.inventory import Cloud, HardwareProfile, Network, Template
from fabric.models.job import Job
from fabric.models.load import Load
from fabric.models.machine import Machine
from fabric.models.offering import Offering
from fabric.models.provider import Provider
from fabric.models.stamp import Stamp

__all__ = [
    "Cloud",
    "HardwareProfile",
    "Job",
    "Load",
    "Machine",
    "Network",
    "Offering",
    "Provider",
    "Stamp",
    "Template",
]
