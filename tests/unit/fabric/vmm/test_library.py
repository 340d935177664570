"""The library: what it keeps, what it never tells, and what stays because something uses it."""

from __future__ import annotations

import pytest

from fabric.vmm import actions, sealed
from fabric.vmm.errors import Conflict, Invalid
from fabric.vmm.models import LibraryFile, RoleResource, VirtualHardDisk
from tests.factories.vmm import (
    ADMINISTRATOR,
    acting_for,
    deploy,
    finish,
    make_fabric,
    make_role,
    order,
)

SECRET = "<Password>Hidden-9</Password>"
library = actions.library


@pytest.fixture
def share(fabric):
    """Return the share iso of the library server files."""
    keeper = library.add_server(ADMINISTRATOR, fabric.server, name="files.example.net")
    return library.add_share(
        ADMINISTRATOR, fabric.server, library_server=keeper, name="iso", path="MSSCVMMLibrary"
    )


@pytest.fixture
def iso(fabric, share):
    return library.add_file(
        ADMINISTRATOR, fabric.server, share=share, kind="iso", name="debian.iso", path="debian.iso"
    )


def test_what_is_kept_is_changed_keyword_by_keyword(fabric, share, iso):
    keeper = library.change_server(ADMINISTRATOR, share.library_server, name="keeper.example.net")
    assert (keeper.name, keeper.description) == ("keeper.example.net", "")
    changed = library.change_share(ADMINISTRATOR, share, path="images", description="all images")
    assert (changed.name, changed.path, changed.description) == ("iso", "images", "all images")
    changed = library.change_file(ADMINISTRATOR, iso, size_mb=650, is_enabled=False)
    assert (changed.name, changed.size_mb, changed.is_enabled) == ("debian.iso", 650, False)
    disk = library.change_disk(
        ADMINISTRATOR, fabric.template.disk, share=share, family="Ubuntu", release="24.04"
    )
    assert (disk.share, disk.family, disk.release, disk.size_gb) == (share, "Ubuntu", "24.04", 20)
    assert library.change_disk(ADMINISTRATOR, disk, share=None).share is None


def test_an_unknown_keyword_is_our_mistake(fabric):
    with pytest.raises(TypeError, match="colour"):
        library.change_disk(ADMINISTRATOR, fabric.template.disk, colour="blue")


def test_an_answer_file_is_sealed_and_never_read_back(fabric, share):
    file = library.add_file(
        ADMINISTRATOR,
        fabric.server,
        share=share,
        kind="answer_file",
        name="unattend.xml",
        content=SECRET,
        os_type="Windows",
    )
    row = LibraryFile.objects.get(pk=file.pk)
    assert "Hidden-9" not in repr(vars(row))
    assert sealed.unseal(row) == {"content": SECRET}
    kept = library.change_file(ADMINISTRATOR, file, description="for servers", content="")
    assert sealed.unseal(kept) == {"content": SECRET}
    assert sealed.unseal(library.change_file(ADMINISTRATOR, file, content="x"))["content"] == "x"


@pytest.mark.parametrize(
    ("values", "field", "says"),
    [
        ({"kind": "iso", "name": "a.iso"}, "path", "needs its path on the share iso"),
        ({"kind": "iso", "name": "a.iso", "path": "a", "content": "x"}, "content", "no text"),
        ({"kind": "script", "name": "a.sh"}, "content", "needs its text"),
        ({"kind": "film", "name": "a.mkv"}, "kind", "'film' is no file"),
        ({"kind": "iso", "name": "debian.iso", "path": "d"}, "name", "on the share iso"),
    ],
)
def test_a_file_must_make_sense(fabric, share, iso, values, field, says):
    with pytest.raises((Invalid, Conflict), match=says) as refused:
        library.add_file(ADMINISTRATOR, fabric.server, share=share, **values)
    assert refused.value.field == field


def test_things_of_another_server_do_not_mix(fabric, share):
    other = make_fabric()
    with pytest.raises(Invalid, match="another VMM server"):
        library.add_disk(ADMINISTRATOR, other.server, name="a.vhdx", size_gb=1, share=share)
    with pytest.raises(Invalid, match="another VMM server"):
        library.add_share(
            ADMINISTRATOR, other.server, library_server=share.library_server, name="a", path="a"
        )


def test_what_is_used_stays_and_says_by_what(fabric, share, iso):
    machine, _ = order(fabric, ADMINISTRATOR)
    machine.dvds.create(iso=iso)
    with pytest.raises(Conflict, match=r"The file debian.iso is used by the .*machines web-01"):
        library.remove_file(ADMINISTRATOR, iso)
    with pytest.raises(Conflict, match=r"The share iso is used by the files debian.iso"):
        library.remove_share(ADMINISTRATOR, share)
    with pytest.raises(Conflict, match=r"library server files.example.net .* shares iso"):
        library.remove_server(ADMINISTRATOR, share.library_server)
    machine.dvds.all().delete()
    library.remove_file(ADMINISTRATOR, iso)
    library.remove_share(ADMINISTRATOR, share)
    library.remove_server(ADMINISTRATOR, share.library_server)
    assert not fabric.server.library_servers.exists()


def test_a_share_that_a_cloud_has_stays(fabric, share):
    actions.clouds.change(ADMINISTRATOR, fabric.cloud, library_shares=[share], store=share)
    with pytest.raises(Conflict, match="clouds Gold"):
        library.remove_share(ADMINISTRATOR, share)


def test_a_disk_stays_for_its_templates_and_for_what_is_being_made(fabric):
    server, disk = fabric.server, fabric.template.disk
    with pytest.raises(Conflict, match="ubuntu.vhdx is used by the templates Ubuntu 24.04"):
        library.remove_disk(ADMINISTRATOR, disk)
    data = library.add_disk(ADMINISTRATOR, server, name="data.vhdx", size_gb=5)
    actions.templates.change(ADMINISTRATOR, fabric.template, data_disks=[{"disk": data}])
    with pytest.raises(Conflict, match="data disks of the templates Ubuntu 24.04"):
        library.remove_disk(ADMINISTRATOR, data)
    order(fabric, ADMINISTRATOR)
    actions.templates.change(ADMINISTRATOR, fabric.template, data_disks=[])
    with pytest.raises(Conflict, match="machines under creation web-01"):
        library.remove_disk(ADMINISTRATOR, data)


def test_a_machine_keeps_its_copy_of_a_removed_disk(fabric):
    machine = deploy(fabric, ADMINISTRATOR, start=False)
    role = make_role(fabric)
    spare = library.add_disk(
        ADMINISTRATOR, fabric.server, name="new.vhdx", size_gb=20, os_name="Ubuntu 26.04"
    )
    disk = fabric.template.disk
    actions.userroles.change(
        ADMINISTRATOR, role, resources=[actions.userroles.Grant("VirtualHardDisk", disk.pk)]
    )
    assert VirtualHardDisk.objects.visible_to(acting_for(role)).get() == disk
    actions.templates.change(ADMINISTRATOR, fabric.template, disk=spare)
    library.remove_disk(ADMINISTRATOR, disk)
    assert (machine.disks.get().source, machine.disks.get().image) == (None, "ubuntu.vhdx")
    assert not RoleResource.objects.filter(role=role).exists()


def test_a_disk_cannot_change_under_its_templates(fabric):
    disk = fabric.template.disk
    with pytest.raises(Invalid, match="no operating system"):
        library.change_disk(ADMINISTRATOR, disk, os_name="")
    with pytest.raises(Invalid, match="ubuntu.vhdx holds Ubuntu 24.04, which is Windows"):
        library.change_disk(ADMINISTRATOR, disk, os_type="Windows")
    with pytest.raises(Invalid, match="has 3,000 GB; the largest volume"):
        library.change_disk(ADMINISTRATOR, disk, size_gb=3000)
    disk.refresh_from_db()
    assert disk.size_gb == 20


def test_a_disk_stays_while_a_machine_is_given_a_copy(fabric, alice):
    disk = library.add_disk(ADMINISTRATOR, fabric.server, name="data.vhdx", size_gb=5)
    machine = deploy(fabric, alice)
    job = actions.disks.add(ADMINISTRATOR, machine, library_disk=disk)
    with pytest.raises(Conflict, match="Add virtual disk"):
        library.remove_disk(ADMINISTRATOR, disk)
    finish(job)
    library.remove_disk(ADMINISTRATOR, disk)
    assert machine.disks.count() == 2
