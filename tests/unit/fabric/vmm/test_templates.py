"""Templates, profiles and accounts: what no machine could be made of names both sides."""

from __future__ import annotations

import pytest

from fabric.vmm import actions, sealed
from fabric.vmm.errors import Conflict, Invalid
from fabric.vmm.models import RunAsAccount, VMTemplate
from tests.factories.vmm import ADMINISTRATOR, PASSWORD, deploy, order

KEY = "AB3DE-FGH6J-KLM9N-PQR2S-TUV5W"
templates, profiles, library = actions.templates, actions.profiles, actions.library


def change(fabric, **changes) -> VMTemplate:
    return templates.change(ADMINISTRATOR, fabric.template, **changes)


def test_a_template_is_changed_piece_by_piece(fabric):
    changed = change(
        fabric,
        computer_name_pattern="web-###",
        tenant_may_change=["memory", "cores", "cores"],
        tags=[" web ", "", "web"],
        adapters=2,
        is_dynamic_memory=True,
    )
    assert changed.computer_name_pattern == "web-###"
    assert changed.tenant_may_change == ["cores", "memory"]
    assert (changed.tags, changed.adapters, changed.cores) == (["web"], 2, 1)


def test_data_disks_are_copies_or_empty(fabric):
    fast = fabric.server.storage_classifications.create(name="Fast")
    fabric.hosts[0].volumes.update(classification=fast)
    data = library.add_disk(ADMINISTRATOR, fabric.server, name="data.vhdx", size_gb=5)
    parts = [{"disk": data}, {"size_gb": 30, "name": "logs", "classification": fast}]
    change(fabric, data_disks=parts)
    told = [(d.name, d.size_gb, d.disk, d.classification) for d in fabric.template.data_disks.all()]
    assert told == [("data.vhdx", 5, data, None), ("logs", 30, None, fast)]
    change(fabric, cores=2)
    assert fabric.template.data_disks.count() == 2
    change(fabric, data_disks=[])
    assert not fabric.template.data_disks.exists()


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        (
            {"data_disks": [{"name": "data.vhdx", "size_gb": 4000}]},
            "data_disks",
            r"disk data\.vhdx of .* has 4,000 GB; the largest volume, \w+ of host01.* 2,000 GB",
        ),
        ({"data_disks": [{"name": "empty"}]}, "data_disks", "size of disk empty"),
        ({"computer_name_pattern": "web"}, "computer_name_pattern", "web-###"),
        ({"computer_name_pattern": "a##-##"}, "computer_name_pattern", "one row of #"),
        ({"tenant_may_change": ["colour"]}, "tenant_may_change", "'colour'.*adapters, cores"),
        ({"os_type": "Windows"}, "os_type", "is for Windows; its disk ubuntu.vhdx"),
        ({"product_key": KEY}, "product_key", "only Windows has a product key"),
        ({"adapters": 9}, "adapters", "from 0 to 8"),
        ({"generation": 3}, "generation", "from 1 to 2"),
    ],
)
def test_a_template_that_makes_no_machine_is_refused(fabric, changes, field, says):
    with pytest.raises(Invalid, match=says) as refused:
        change(fabric, **changes)
    assert refused.value.field == field


def test_storage_that_no_volume_offers_is_refused(fabric):
    fast = fabric.server.storage_classifications.create(name="Fast")
    with pytest.raises(Invalid, match="is to be on Fast storage; no volume"):
        change(fabric, classification=fast)


def test_a_disk_must_fit_the_hosts_of_the_templates_own_cloud(fabric):
    small = actions.groups.add(ADMINISTRATOR, fabric.server, name="Small hosts")
    tiny = fabric.hosts[0]
    tiny.group = small
    tiny.save()
    tiny.volumes.update(capacity_gb=10)
    silver = actions.clouds.add(ADMINISTRATOR, fabric.server, name="Silver", host_groups=[small])
    with pytest.raises(Invalid, match=r"has 20 GB; the largest volume, .* of host01.* 10 GB"):
        change(fabric, cloud=silver)
    change(fabric, cloud=fabric.cloud)


def test_a_template_is_held_against_its_capability_profile(fabric):
    small = actions.capability.add(ADMINISTRATOR, fabric.server, name="Small", most_cores=8)
    change(fabric, capability_profile=small)
    message = "The template Ubuntu 24.04 has 16 processors; the capability profile Small allows 8."
    with pytest.raises(Invalid) as refused:
        change(fabric, cores=16)
    assert (str(refused.value), refused.value.field) == (message, "cores")


def test_guest_profiles_and_their_files_are_of_one_system(fabric):
    keeper = library.add_server(ADMINISTRATOR, fabric.server, name="files")
    share = library.add_share(
        ADMINISTRATOR, fabric.server, library_server=keeper, name="s", path="s"
    )
    answers = library.add_file(
        ADMINISTRATOR,
        fabric.server,
        share=share,
        kind="answer_file",
        name="unattend.xml",
        content="<x/>",
        os_type="Windows",
    )
    with pytest.raises(Invalid, match="is for Linux; the answer file unattend.xml is for Windows"):
        profiles.add_guest(
            ADMINISTRATOR, fabric.server, name="Lin", os_type="Linux", answer_file=answers
        )
    windows = profiles.add_guest(
        ADMINISTRATOR, fabric.server, name="Win", os_type="Windows", answer_file=answers
    )
    with pytest.raises(Invalid, match="no script: its kind is Answer file"):
        profiles.change_guest(ADMINISTRATOR, windows, script=answers)
    with pytest.raises(Invalid, match="is for Linux; the guest profile Win is for Windows"):
        change(fabric, guest_profile=windows)
    with pytest.raises(Conflict, match="answer file|unattend.xml is used by the guest profiles"):
        library.remove_file(ADMINISTRATOR, answers)
    with pytest.raises(Invalid, match="the guest profile Win, which uses it, is for Windows"):
        library.change_file(ADMINISTRATOR, answers, os_type="Linux")


def test_what_guests_are_given_is_sealed(fabric):
    guest = profiles.add_guest(
        ADMINISTRATOR,
        fabric.server,
        name="Win",
        os_type="Windows",
        product_key=KEY.lower(),
        admin_password=PASSWORD,
    )
    assert PASSWORD not in repr(vars(guest))
    assert KEY not in repr(vars(guest))
    assert sealed.unseal(guest) == {"product_key": KEY, "admin_password": PASSWORD}
    guest = profiles.change_guest(ADMINISTRATOR, guest, product_key=None, admin_user="root")
    assert sealed.unseal(guest) == {"admin_password": PASSWORD}
    with pytest.raises(Invalid) as refused:
        profiles.change_guest(ADMINISTRATOR, guest, product_key="NOT-A-KEY")
    assert "NOT-A-KEY" not in str(refused.value)


def test_a_guest_profile_joins_one_thing(fabric):
    with pytest.raises(Invalid, match="domain corp.example.net or the workgroup WG, not both"):
        profiles.add_guest(
            ADMINISTRATOR,
            fabric.server,
            name="Win",
            os_type="Windows",
            domain="corp.example.net",
            workgroup="WG",
        )


def test_a_hardware_profile_is_held_against_its_capability_profile(fabric):
    small = actions.capability.add(
        ADMINISTRATOR, fabric.server, name="Small", may_use_dynamic_memory=False
    )
    large = profiles.add_hardware(
        ADMINISTRATOR,
        fabric.server,
        name="Large",
        cores=4,
        memory_mb=8192,
        capability_profile=small,
    )
    with pytest.raises(Invalid, match="Large has dynamic memory; .* Small does not allow it"):
        profiles.change_hardware(ADMINISTRATOR, large, is_dynamic_memory=True)
    with pytest.raises(Conflict, match="Small is used by the hardware profiles Large"):
        actions.capability.remove(ADMINISTRATOR, small)
    profiles.remove_hardware(ADMINISTRATOR, large)
    actions.capability.remove(ADMINISTRATOR, small)


def test_a_template_stays_while_a_machine_is_made_of_it(fabric):
    order(fabric, ADMINISTRATOR)
    with pytest.raises(Conflict, match="Ubuntu 24.04 is used by the machines .* web-01"):
        templates.remove(ADMINISTRATOR, fabric.template)


def test_a_machine_outlives_its_template(fabric):
    machine = deploy(fabric, ADMINISTRATOR)
    templates.remove(ADMINISTRATOR, fabric.template)
    machine.refresh_from_db()
    assert (machine.template, machine.os_name) == (None, "Ubuntu 24.04")


def test_an_account_changes_user_and_password_together(fabric):
    account = actions.accounts.add(
        ADMINISTRATOR,
        fabric.server,
        name="Join",
        domain="CORP",
        username="joiner",
        password=PASSWORD,
    )
    row = RunAsAccount.objects.get()
    assert PASSWORD not in repr(vars(row))
    assert sealed.unseal(row) == {"password": PASSWORD}
    with pytest.raises(Invalid, match=r"Join needs the password of CORP\\other") as refused:
        actions.accounts.change(ADMINISTRATOR, account, username="other")
    assert refused.value.field == "password"
    changed = actions.accounts.change(ADMINISTRATOR, account, name="Joiner", description="joins")
    assert sealed.unseal(changed) == {"password": PASSWORD}
    changed = actions.accounts.change(ADMINISTRATOR, account, username="other", password="x-2")
    assert sealed.unseal(changed) == {"password": "x-2"}
    actions.accounts.remove(ADMINISTRATOR, account)
    with pytest.raises(Invalid, match="password"):
        actions.accounts.add(
            ADMINISTRATOR, fabric.server, name="Join", username="joiner", password=""
        )
