"""What a role forbids is absent from every page of a machine, and refused on every route."""

from __future__ import annotations

import re

import pytest
from django.urls import get_resolver, reverse

from fabric.models import Job, Machine, MachineGrant
from fabric.states import MachineState
from tenants.models import Membership
from tests.factories.devices import make_adapter, make_checkpoint, make_disk
from tests.factories.fabric import make_machine

TABS = ("configure", "networks", "disks", "checkpoints", "activity")
OPEN_TO_ALL = {
    *("machine", "machine-commands", "machine-activity", "machine-configure"),
    *("machine-networks", "machine-disks", "machine-checkpoints"),
}
THINGS = ("machine", "adapter", "disk", "checkpoint")


@pytest.fixture
def objects(machine) -> dict[str, object]:
    """Return a machine with one of everything in it."""
    return {
        "machine": machine,
        "adapter": make_adapter(machine),
        "disk": make_disk(machine),
        "checkpoint": make_checkpoint(machine),
    }


def routes(objects) -> dict[str, str]:
    """Return every address about one machine, or a thing in it."""
    known = get_resolver("portal.urls.tenant").reverse_dict
    names = [name for name in list(known) if isinstance(name, str)]
    about = {name: name.partition("-")[0] for name in names}
    taken = ("machine-draft", "machine-selected")
    return {
        name: reverse(name, args=[objects[noun].pk])
        for name, noun in about.items()
        if noun in THINGS
        and not name.startswith(taken)
        and known.getlist(name)[0][0][0][1] == ["pk"]
    }


def test_a_reader_is_refused_every_change(sign_in, dora, objects) -> None:
    reader = sign_in(dora)
    for name, address in routes(objects).items():
        page = reader.get(address)
        assert page.status_code in ((200,) if name in OPEN_TO_ALL else (403, 405)), name
        sent = reader.post(address, {"sure": "1", "verb": "stop", "confirm": "web-01"})
        # What is refused for its state as well leads back with the reason.
        assert sent.status_code in ((302,) if name == "machine-resume" else (403, 405)), name
        assert not Job.objects.exists(), name
    assert Machine.objects.get().state == MachineState.RUNNING


def test_a_reader_sees_no_command_anywhere(sign_in, dora, objects) -> None:
    reader = sign_in(dora)
    ways = {*routes(objects).values()} - {routes(objects)[name] for name in OPEN_TO_ALL}
    pages = ["machine", *(f"machine-{tab}" for tab in TABS)]
    for name in pages:
        told = reader.get(routes(objects)[name]).text
        inside = told.split("<main", 1)[1].split("<dialog", 1)[0]
        assert not [way for way in ways if f'"{way}"' in inside], name
        assert "<form" not in inside, name


@pytest.mark.parametrize(
    ("rights", "titles"),
    [
        (["Start"], {"Start"}),
        (["Shutdown", "Start"], {"Start", "Shut down", "Restart"}),
        (["Stop"], {"Stop"}),
        (["PauseAndResume"], {"Pause", "Resume"}),
        (["RemoteConnect"], {"Connect"}),
        (["Remove"], {"Delete"}),
        (["Checkpoint"], {"Create checkpoint"}),
        (["Author"], set()),
    ],
)
def test_an_application_administrator_has_what_was_given(
    sign_in, bob, machine, rights, titles
) -> None:
    Membership.objects.filter(user=bob).update(rights=rights)
    page = sign_in(bob).get(reverse("machine", args=[machine.pk]))
    shown = {one.title for one in (*page.context["commands"], *page.context["more"])}
    assert shown == titles


def test_chosen_machines_are_all_there_is(sign_in, bob, alices, subscription, machine) -> None:
    other = make_machine(subscription, "db-01")
    member = Membership.objects.get(user=bob)
    Membership.objects.filter(user=bob).update(all_machines=False)
    MachineGrant.objects.create(membership=member, machine=machine)
    browser = sign_in(bob)
    page = browser.get(reverse("machines"))
    assert [row.name for row in page.context["listed"].page.rows] == ["web-01"]
    assert "db-01" not in browser.get(reverse("machine-export")).getvalue().decode()
    assert browser.get(reverse("machine", args=[other.pk])).status_code == 404
    assert browser.get(reverse("machine", args=[machine.pk])).status_code == 200


def test_strangers_find_nothing(sign_in, charlie, objects) -> None:
    stranger = sign_in(charlie)
    for name, address in routes(objects).items():
        assert stranger.get(address).status_code == 404, name
        assert stranger.post(address, {"verb": "stop"}).status_code == 404, name


def test_the_menu_of_a_row_has_what_can_be_done_now(as_alice, sign_in, dora, machine) -> None:
    address = reverse("machine-commands", args=[machine.pk])
    menu = as_alice.get(address, headers={"HX-Request": "true"}).text
    assert "<html" not in menu
    words = set(re.findall(r"</svg>([A-Za-z ]+)<", menu))
    assert {"Shut down", "Stop", "Delete"} <= words
    assert "Resume" not in words
    assert "Shut down" in as_alice.get(address).text, "a page of its own without JavaScript"
    nothing = sign_in(dora).get(address, headers={"HX-Request": "true"}).text
    assert "Nothing can be done with it right now." in nothing
