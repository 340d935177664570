"""One cloud for all fault tests, mended and looked over after each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fabric.models import Job, Machine
from fabric.vault import store
from tenants.models import User
from tests.faults import cloud as clouds
from tests.faults import proof, table
from tests.faults.build import OWNER
from tests.faults.cloud import Cloud

ALL_IS_WELL = "all is well"


@pytest.fixture(scope="package")
def whole_cloud(tmp_path_factory, django_db_blocker) -> Iterator[Cloud]:
    with django_db_blocker.unblock(), clouds.cloud(tmp_path_factory.mktemp("faults")) as it:
        yield it


@pytest.fixture
def cloud(whole_cloud) -> Iterator[Cloud]:
    """Yield the cloud; whatever the test has broken is whole again afterwards."""
    yield whole_cloud
    whole_cloud.mend()


class Proof:
    """Ask every layer whether all is well, and note what came of a fault for the table."""

    def __init__(self, cloud: Cloud, node: pytest.Item) -> None:
        self.cloud = cloud
        self._node = node

    def well(self, *machines: Machine) -> None:
        """Hold machines, once their jobs have ended, to what a deployment must come to."""
        self.cloud.wait_until_over(machines)
        self._nothing_wrong(*(proof.flaws(machine, self.cloud.rack) for machine in machines))

    def gone(self, *machines: Machine) -> None:
        """Delete machines, and find nothing left of them."""
        self.cloud.delete(machines)
        self.cloud.wait_until_over(machines)
        self.nothing_left(*machines)

    def nothing_left(self, *machines: Machine) -> None:
        """Find nothing of machines that were removed."""
        self._nothing_wrong(*map(proof.leftovers, machines))

    def nothing_wrong(self) -> None:
        """Find the layers of one mind about everything there is."""
        self._nothing_wrong()

    def note(self, group: str, fault: str, what: Machine | Job, outcome: str = ALL_IS_WELL) -> None:
        """Put a line into the table; the time is that of the job, or of the machine's last one."""
        row = table.Row(group, fault, outcome, took(what))
        self._node.user_properties.append(table.prepared(row))

    def _nothing_wrong(self, *found: list[str]) -> None:
        flaws = [flaw for each in found for flaw in each]
        flaws += proof.totals(self.cloud.rack) + proof.secrets_in_plain(self.cloud.stack)
        assert not flaws, "\n".join(flaws)


@pytest.fixture
def prove(cloud, request) -> Proof:
    return Proof(cloud, request.node)


@pytest.fixture
def owner(cloud, settings) -> Iterator[User]:
    """Return who asks for everything; secrets are sealed with the cloud's own key."""
    settings.VAULT_KEY_FILE = cloud.stack.folder / "vault.key"
    store.forget()
    yield User.objects.get(email=OWNER)
    store.forget()


def took(what: Machine | Job) -> float:
    """Return the seconds from the click to the end of a job, or of a machine's last one."""
    job = what.jobs.latest("created_at") if isinstance(what, Machine) else what
    return (job.ended_at - job.created_at).total_seconds()
