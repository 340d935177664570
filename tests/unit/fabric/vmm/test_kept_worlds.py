"""The world that tests begin with, made once and put back for each, is the one that is made."""

from __future__ import annotations

import re
import uuid
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from fabric.vmm.models import Host, Server
from tests.factories import kept
from tests.factories.vmm import acting_for, deploy, left_on_rack, make_fabric, make_role

ANY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[0-9:.+]+")
NUMBER = re.compile(r'vmm\d+|"id":\d+')


class Undone(Exception):
    pass


def plain(rows: kept.Rows) -> dict[str, list[str]]:
    """Return rows without their ids, times and running numbers."""
    return {
        table: sorted(NUMBER.sub("n", ANY.sub("*", row)) for row in found)
        for table, found in rows.items()
    }


def set_aside() -> None:
    """Begin without a rack: file and log are moved, for a log left behind would be the next one's,
    and the inode of a deleted file is lent again while somebody has it open."""
    rack = Path(settings.SIMULATED_RACK)
    aside = str(uuid.uuid4())
    for part in list(rack.parent.glob(f"{rack.name}*")):
        part.rename(rack.with_name(part.name.replace(rack.name, aside)))


def made_by_hand(monkeypatch) -> kept.Rows:
    """Return the rows of a world that nobody kept."""
    with monkeypatch.context() as patch:
        patch.setattr("tests.factories.vmm.kept", lambda key, make: make())
        try:
            with transaction.atomic():
                make_fabric(hosts=3)
                rows = kept.rows()
                raise Undone
        except Undone:
            set_aside()
            return rows


def test_what_is_put_back_is_what_is_made(db, vault, monkeypatch) -> None:
    by_hand = made_by_hand(monkeypatch)
    try:
        with transaction.atomic():
            first = make_fabric(hosts=3)
            raise Undone
    except Undone:
        set_aside()

    began = timezone.now()
    fabric = make_fabric(hosts=3)

    assert plain(kept.rows()) == plain(by_hand)
    assert not {host.pk for host in fabric.hosts} & {host.pk for host in first.hosts}
    assert list(Host.objects.order_by("name")) == list(fabric.hosts)
    assert Server.objects.get() == fabric.server
    assert fabric.server.name == first.server.name
    times = [
        value
        for host in Host.objects.all()
        for value in vars(host).values()
        if isinstance(value, type(began))
    ]
    assert all(time >= began for time in times)
    machine = deploy(fabric, acting_for(make_role(fabric)))
    guests, _disks = left_on_rack(fabric)
    assert [guest.id for guest in guests] == [machine.pk]


def test_another_vmm_beside_it_is_made_anew(db, vault) -> None:
    one, other = make_fabric(), make_fabric()

    assert one.server.name != other.server.name
    assert {host.pk for host in one.hosts}.isdisjoint(host.pk for host in other.hosts)
