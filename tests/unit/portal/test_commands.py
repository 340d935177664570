"""The commands an operator runs beside the processes."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command

from fabric.actions import setup
from fabric.vault import store
from fabric.vmm.models import Cloud, Host, VMTemplate
from tenants.errors import Refused

pytestmark = pytest.mark.django_db


def run(command: str) -> str:
    said = StringIO()
    call_command(command, stdout=said)
    return said.getvalue()


def test_the_built_in_vmm_is_filled_once(settings, tmp_path):
    settings.SIMULATED_RACK = tmp_path / "rack.sqlite3"
    assert "vmm01.katal.local" in run("fill_vmm")
    run("fill_vmm")
    assert Cloud.objects.get().name == "Gold"
    assert (Host.objects.count(), VMTemplate.objects.count()) == (3, 3)


def test_only_the_last_set_up_code_counts_and_none_is_left_once_set_up(settings, tmp_path):
    settings.VAULT_KEY_FILE = tmp_path / "vault.key"
    answers = {
        "instance_name": "Katal",
        "email": "olga@example.net",
        "password": "Correct-Horse-7",
        "passphrase": "a long passphrase",
    }
    first, last = (run("setup_code").split("\n\n")[1].strip() for _time in range(2))
    with pytest.raises(Refused):
        setup.set_up(code=first, **answers)
    setup.set_up(code=last, **answers)
    store.forget()
    assert run("setup_code") == "Katal is set up.\n"
