"""What orders say of a guest: SSH keys, the domain it joins, user data. All of it reaches it."""

from __future__ import annotations

import base64

import pytest

from fabric.hypervisors.base import GuestSetup
from fabric.vmm import actions, answerfile, sshkeys
from fabric.vmm.actions import joins
from fabric.vmm.answerfile import Join
from fabric.vmm.errors import Denied, Invalid
from fabric.vmm.models import Job, VirtualHardDisk, VirtualMachine, VMTemplate
from fabric.vmm.roles import PERMISSIONS
from tests.factories.vmm import (
    ADMINISTRATOR,
    PASSWORD,
    acting_for,
    deploy,
    driver,
    make_role,
    make_share,
    order,
)

JOIN_PASSWORD = "J0in-phrase-of-alice"
USER_DATA = "#cloud-config\nusers:\n  - name: deploy\n    passwd: cl0ud-phrase\n"
ACCOUNT = {
    "domain": "corp.example.net",
    "domain_user": "PARTNER\\joiner",
    "domain_password": JOIN_PASSWORD,
}


def public_key(kind: str = "ssh-ed25519", comment: str = "alice@laptop", of: str = "a") -> str:
    blob = len(kind).to_bytes(4, "big") + kind.encode() + of.encode() * 36
    return f"{kind} {base64.b64encode(blob).decode()} {comment}".strip()


@pytest.fixture
def windows(fabric) -> VMTemplate:
    """Have the fabric's template be of Windows."""
    VirtualHardDisk.objects.filter(pk=fabric.template.disk_id).update(os_type="Windows")
    VMTemplate.objects.filter(pk=fabric.template.pk).update(os_type="Windows")
    return VMTemplate.objects.get(pk=fabric.template.pk)


def is_set_up(machine: VirtualMachine, **wanted) -> bool:
    return driver(machine.host).is_set_up(machine.pk, GuestSetup(machine.computer_name, **wanted))


# SSH keys


def test_ssh_keys_reach_the_guest_with_or_without_a_password(fabric, alice):
    keys = (public_key(), public_key("ssh-rsa", "", "b"))
    text = f"\n{keys[0]}\r\n  {keys[1]}\n{keys[0]}\n"
    machine = deploy(fabric, alice, ssh_keys=text)
    assert is_set_up(machine, user="root", ssh_keys=keys)
    assert not is_set_up(machine, user="root", ssh_keys=keys[:1])
    both = {"local_admin_user": "keeper", "local_admin_password": PASSWORD}
    machine = deploy(fabric, alice, "web-02", ssh_keys=keys[0], **both)
    assert is_set_up(machine, user="keeper", password=PASSWORD, ssh_keys=keys[:1])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END", "private key"),
        ("ssh-dss AAAA", "Line 1 is no public SSH key: it begins with none"),
        (f"{public_key()}\nssh-ed25519 AAAA", "Line 2 is no whole public SSH key"),
        ("ssh-ed25519 c2VjcmV0 !", "no whole public SSH key"),
        ("ssh-rsa " + public_key().split()[1], "no whole public SSH key of the kind ssh-rsa"),
        ("ssh-ed25519 \x07", "Line 1 is no public SSH key"),
        ("ssh-rsa " + "A" * 9_000, "Line 1 is no public SSH key"),
        ("\n".join(public_key(of=chr(97 + n)) for n in range(21)), "at most 20"),
    ],
)
def test_what_is_no_public_key_is_refused_and_never_quoted(text, says):
    with pytest.raises(Invalid, match=says) as refused:
        sshkeys.clean(text)
    assert "c2VjcmV0" not in refused.value.message
    assert refused.value.field == "ssh_keys"


def test_only_linux_takes_ssh_keys(fabric, alice, windows):
    with pytest.raises(Invalid, match="runs Windows: only Linux takes SSH keys"):
        order(fabric, alice, ssh_keys=public_key())
    assert not VirtualMachine.objects.exists()


@pytest.mark.parametrize(
    "lets_in", [{"ssh_keys": public_key()}, {"user_data": USER_DATA}], ids=["keys", "data"]
)
def test_who_may_not_be_administrator_gets_in_by_no_other_way(fabric, lets_in):
    poor = acting_for(make_role(fabric, permissions=PERMISSIONS - {"AllowLocalAdmin"}))
    with pytest.raises(Denied, match="AllowLocalAdmin"):
        order(fabric, poor, **lets_in)


# Domains


def test_a_machine_joins_its_domain_by_an_answer_file(fabric, alice, windows):
    machine = deploy(fabric, alice, **ACCOUNT, domain_unit="OU=Web,DC=corp,DC=example,DC=net")
    join = Join(
        "corp.example.net", "PARTNER", "joiner", JOIN_PASSWORD, "OU=Web,DC=corp,DC=example,DC=net"
    )
    assert is_set_up(machine, domain="corp.example.net", answer_file=answerfile.joining("", join))
    assert Job.objects.get().sealed == ""


def test_the_profiles_answer_file_and_the_ordered_join_become_one(fabric, alice, windows):
    answers = f'<unattend xmlns="{answerfile.NAMESPACE}"><settings pass="oobeSystem"/></unattend>'
    profile = actions.profiles.add_guest(
        ADMINISTRATOR,
        fabric.server,
        name="Windows",
        os_type="Windows",
        domain="corp.example.net",
        answer_file=actions.library.add_file(
            ADMINISTRATOR,
            fabric.server,
            share=make_share(fabric),
            kind="answer_file",
            name="unattend.xml",
            content=answers,
        ),
    )
    actions.templates.change(ADMINISTRATOR, windows, guest_profile=profile)
    # The domain is the profile's, the account is the order's.
    account = {"domain_user": "joiner@corp.example.net", "domain_password": JOIN_PASSWORD}
    machine = deploy(fabric, alice, **account)
    join = Join("corp.example.net", "corp.example.net", "joiner", JOIN_PASSWORD)
    assert is_set_up(machine, answer_file=answerfile.joining(answers, join))
    assert is_set_up(deploy(fabric, alice, "web-02"), answer_file=answers)


def test_an_answer_file_that_is_none_refuses_the_join_alone(fabric, alice, windows):
    file = actions.library.add_file(
        ADMINISTRATOR,
        fabric.server,
        share=make_share(fabric),
        kind="answer_file",
        name="unattend.xml",
        content="[Unattended]\nAn5wer=1",
    )
    profile = actions.profiles.add_guest(
        ADMINISTRATOR, fabric.server, name="Old", os_type="Windows", answer_file=file
    )
    actions.templates.change(ADMINISTRATOR, windows, guest_profile=profile)
    with pytest.raises(Invalid, match=r"answer file unattend\.xml of the guest profile") as refused:
        order(fabric, alice, **ACCOUNT)
    assert "An5wer" not in refused.value.message
    order(fabric, alice)


@pytest.mark.parametrize(
    ("change", "says", "field"),
    [
        ({"domain": ""}, "no domain was given", "domain_user"),
        ({"domain": "CORP"}, "no full name of a domain", "domain"),
        ({"domain": "corp..net"}, "no full name of a domain", "domain"),
        ({"domain_password": ""}, "the password lacks", "domain_password"),
        ({"domain_user": ""}, "the user name lacks", "domain_user"),
        ({"domain_user": "PARTNER\\"}, "no account of a domain", "domain_user"),
        ({"domain_user": "A_NAME_THAT_IS_TOO_LONG\\j"}, "no account of a domain", "domain_user"),
        ({"domain_user": "a\\b\\c"}, "no account of a domain", "domain_user"),
        ({"workgroup": "LAB"}, "not both", "workgroup"),
        ({"domain_password": "\0" + JOIN_PASSWORD}, "not allowed", "domain_password"),
        (
            {"domain_unit": "CN=Computers,DC=corp"},
            "container, not an organisational",
            "domain_unit",
        ),
        ({"domain_unit": " cn = A\\,B , OU=x,DC=y"}, "container, not an organ", "domain_unit"),
        ({"domain_unit": "DC=corp,DC=net"}, "names no organisational unit", "domain_unit"),
        ({"domain_unit": "OU=Web"}, "names no organisational unit", "domain_unit"),
        ({"domain_unit": "OU=Web,DC=corp,"}, "names no organisational unit", "domain_unit"),
        ({"domain_unit": "OU=Web,CN=x,DC=corp"}, "names no organisational unit", "domain_unit"),
        ({"domain_unit": "Servers"}, "names no organisational unit", "domain_unit"),
    ],
)
def test_a_join_without_sense_is_refused(fabric, alice, windows, change, says, field):
    with pytest.raises(Invalid, match=says) as refused:
        order(fabric, alice, **ACCOUNT | change)
    assert refused.value.field == field
    assert JOIN_PASSWORD not in refused.value.message
    assert not VirtualMachine.objects.exists()


def test_a_unit_takes_an_account_and_a_join_takes_windows(fabric, alice):
    with pytest.raises(Invalid, match="only Windows is joined"):
        order(fabric, alice, **ACCOUNT)
    with pytest.raises(Invalid, match="takes an account"):
        order(fabric, alice, domain="corp.example.net", domain_unit="OU=Web,DC=corp")
    with pytest.raises(Invalid, match="no domain was given"):
        order(fabric, alice, domain_unit="OU=Web,DC=corp")


@pytest.mark.parametrize(
    ("said", "account"),
    [
        ("CORP\\joiner", ("CORP", "joiner")),
        ("partner.example\\joiner", ("partner.example", "joiner")),
        ("joiner@partner.example", ("partner.example", "joiner")),
        ("joiner", ("corp.example.net", "joiner")),
        ("CORP\\first last", ("CORP", "first last")),
    ],
)
def test_an_account_may_be_of_another_domain(said, account):
    assert joins.clean_account(said, "corp.example.net") == account


@pytest.mark.parametrize("unit", ["OU=A\\,B,OU=C,DC=corp,DC=net", "ou=Web, dc=corp", ""])
def test_a_unit_is_taken_as_it_is_written(unit):
    assert joins.clean_unit(unit) == unit


# User data


def test_user_data_reaches_the_guest_as_it_is(fabric, alice):
    machine = deploy(fabric, alice, user_data=USER_DATA)
    assert is_set_up(machine, user_data=USER_DATA)
    assert not is_set_up(machine, user_data=USER_DATA.strip())


@pytest.mark.parametrize("text", ["x" * 65_537, "é" * 40_000, "#!/bin/sh\0"])
def test_user_data_is_bounded(fabric, alice, text):
    with pytest.raises(Invalid, match="The user data") as refused:
        order(fabric, alice, user_data=text)
    assert refused.value.field == "user_data"


def test_no_secret_is_in_what_a_job_or_an_order_shows(fabric, alice, windows):
    _, job = order(fabric, alice, user_data=USER_DATA, **ACCOUNT)
    shown = repr(vars(job)) + repr(job.inputs)
    for secret in ("cl0ud-phrase", JOIN_PASSWORD, answerfile.encoded(JOIN_PASSWORD)):
        assert secret not in shown
    asked = actions.setups.Asked(domain_password=JOIN_PASSWORD, user_data=USER_DATA)
    assert JOIN_PASSWORD not in repr(asked)
    assert "cl0ud-phrase" not in repr(asked)
