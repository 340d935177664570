"""ISO images in the DVD drives of machines."""

from __future__ import annotations

import pytest

from fabric.vmm import actions
from fabric.vmm.errors import Conflict, Denied, Invalid, NotFound, WrongState
from fabric.vmm.models import CapabilityProfile, DVDDrive
from tests.factories.troubles import assert_true, kill, suffer
from tests.factories.vmm import (
    deploy,
    finish,
    make_fabric,
    make_iso,
    make_share,
)


@pytest.fixture
def machine(fabric, alice):
    return deploy(fabric, alice)


@pytest.fixture
def iso(fabric):
    return make_iso(fabric, make_share(fabric))


def disc(machine) -> str:
    return next((str(dvd.iso) for dvd in machine.dvds.all() if dvd.iso), "")


def test_an_image_is_inserted_changed_and_ejected(fabric, alice, machine, iso):
    finish(actions.media.insert(alice, machine, iso=iso))
    assert disc(machine) == "tools.iso"
    assert_true(machine)
    other = make_iso(fabric, iso.share, "drivers.iso")
    finish(actions.media.insert(alice, machine, iso=other))
    assert (disc(machine), machine.dvds.count()) == ("drivers.iso", 1)
    finish(actions.media.eject(alice, machine))
    assert (disc(machine), machine.dvds.count()) == ("", 1)
    assert_true(machine)


def test_a_drive_is_added_and_removed_when_it_is_empty(alice, machine, iso):
    with pytest.raises(WrongState, match="no DVD drive"):
        actions.media.eject(alice, machine)
    drive = actions.media.add_drive(alice, machine)
    with pytest.raises(Conflict, match="already"):
        actions.media.add_drive(alice, machine)
    finish(actions.media.insert(alice, machine, iso=iso))
    with pytest.raises(Conflict, match=r"tools\.iso"):
        actions.media.remove_drive(alice, drive)
    finish(actions.media.eject(alice, machine))
    actions.media.remove_drive(alice, drive)
    assert not DVDDrive.objects.exists()


def test_only_images_of_the_cloud_that_the_caller_may_see(fabric, alice, charlie, machine, iso):
    far = make_fabric()
    stranger = make_iso(far, make_share(far), "far.iso")
    with pytest.raises(NotFound, match=r"far\.iso"):
        actions.media.insert(alice, machine, iso=stranger)
    with pytest.raises(NotFound):
        actions.media.insert(charlie, machine, iso=iso)


def test_the_role_must_permit_changes(fabric, alice, machine, iso):
    alice.role.permissions = ["Start"]
    with pytest.raises(Denied):
        actions.media.insert(alice, machine, iso=iso)


def test_a_profile_may_forbid_the_drive(fabric, alice, machine, iso):
    profile = CapabilityProfile.objects.create(server=fabric.server, name="Plain", most_dvds=0)
    fabric.cloud.capability_profiles.add(profile)
    with pytest.raises(Invalid, match="Plain"):
        actions.media.insert(alice, machine, iso=iso)


VERBS = ["ensure_media", "guest"]
KINDS = ["fail", "unreachable", "hang", "lose_reply", "lie"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("verb", VERBS)
def test_trouble_leaves_the_truth(alice, machine, iso, verb, kind):
    suffer(
        alice,
        machine,
        lambda: actions.media.insert(alice, machine, iso=iso),
        "ensure_media",
        verb,
        kind,
    )


def test_a_host_that_vanishes_is_waited_for(alice, machine, iso):
    def insert():
        return actions.media.insert(alice, machine, iso=iso)

    suffer(alice, machine, insert, "ensure_media", "*", "vanish")
    assert disc(machine) == "tools.iso"


@pytest.mark.parametrize("where", ["before", "between", "after"])
@pytest.mark.parametrize("step", ["ensure_media", "ensure_written"])
def test_a_worker_may_die_anywhere(alice, machine, iso, step, where):
    job = actions.media.insert(alice, machine, iso=iso)
    kill(job, step, where)
    assert finish(job).state == "succeeded"
    assert_true(machine)
