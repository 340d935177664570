"""The workers of the fault tests: as in production, with the probe in and quicker sweeps."""

from portal.settings.worker import *  # noqa: F403
from portal.settings.worker import CELERY_BEAT_SCHEDULE

JOB_PROBE = "tests.faults.probe.strike"
for name in ("portal-sweep", "vmm-sweep"):
    CELERY_BEAT_SCHEDULE[name]["schedule"] = 0.5
