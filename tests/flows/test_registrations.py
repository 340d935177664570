"""Changing and forgetting registrations (A080): tested before stored, and what runs goes on."""

from __future__ import annotations

import uuid

import pytest

from fabric import registry
from fabric.actions import machines, providers
from fabric.errors import RegistrationFailed
from fabric.models import Job, Machine, Provider, Stamp
from fabric.providers import errors
from fabric.providers.base import RemoteStamp
from fabric.states import MachineState
from fabric.sync import accounts, stamps
from tenants.errors import Conflicting, Refused
from tenants.models import Operation
from tests.factories.fabric import make_machine, new_machine

NEW = "https://spf-new.example.net:8090"
NEW_PASSWORD = "Canary-spf-2"


@pytest.fixture
def provider(stamp) -> Provider:
    return Provider.objects.get()


def changed(by, provider: Provider, **other) -> Provider:
    """Ask for a change; what is not named stays as it is."""
    kept = {name: getattr(provider, name) for name in ("name", "url", "username", "authority_pem")}
    return providers.change(by=by, provider=provider, **kept | other)


def row() -> dict:
    return Provider.objects.values().get()


def log(action: str) -> list[str]:
    return list(
        Operation.objects.filter(action=action).order_by("at").values_list("phase", flat=True)
    )


@pytest.mark.parametrize(
    ("fault", "field"),
    [
        (errors.Unauthorized("The user name or the password is wrong."), "password"),
        (errors.CertificateFault("The certificate is not trusted."), "authority_pem"),
        (errors.Unreachable("Nobody answers."), "url"),
        (errors.BrokenAnswer("This is no SPF."), "url"),
        (errors.Forbidden("The account lacks the group SPF_Admin."), "username"),
    ],
)
def test_what_does_not_answer_well_is_not_stored(provider, fake, olga, fault, field):
    before = row()
    fake.plan("check", fault)
    with pytest.raises(RegistrationFailed) as refused:
        changed(olga, provider, url=NEW, password=NEW_PASSWORD)
    assert (refused.value.field, refused.value.code) == (field, fault.code)
    assert row() == before
    assert log("provider.change") == ["started", "failed"]
    assert "Canary" not in str(list(Operation.objects.values()))


def test_a_deployment_goes_on_at_the_new_address(provider, fake, olga, alice, subscription, work):
    fake.instant = False
    asked: list[str] = []
    with registry.use(lambda row: asked.append(row.url) or fake):
        machine = machines.deploy(
            by=alice,
            subscription=subscription,
            order=new_machine(subscription),
            request_key="k1",
        )
        work(rounds=2)
        assert Job.objects.get(machine=machine).state == "running"
        changed(olga, provider, url=NEW, username="portal2", password=NEW_PASSWORD)
        asked.clear()
        fake.settle()
        work()
    assert set(asked) == {NEW}
    machine.refresh_from_db()
    assert (machine.state, len(fake.held)) == (MachineState.RUNNING, 1)
    provider.refresh_from_db()
    assert (provider.username, provider.open_password()) == ("portal2", NEW_PASSWORD)
    told = Operation.objects.get(action="provider.change", phase="succeeded").parameters
    assert told["url"] == NEW
    assert told["before"]["url"] == "https://spf.example.net:8090"
    assert "Canary" not in str(list(Operation.objects.values()))


def test_an_spf_that_would_lose_a_vmm_server_is_refused(provider, fake, olga):
    fake.known_stamps = [RemoteStamp(provider.pk, fake.stamp.name)]
    before = row()
    with pytest.raises(
        RegistrationFailed, match="does not know Frankfurt .vmm01.example.net"
    ) as no:
        changed(olga, provider, url=NEW, password=NEW_PASSWORD)
    assert no.value.field == "url"
    assert row() == before


def test_the_stored_password_is_kept_and_goes_to_no_other_host(provider, fake, olga):
    kept = changed(olga, provider, url="https://spf.example.net:9090", username="portal2")
    assert kept.open_password() == "Canary-spf-1"
    fake.calls.clear()
    with pytest.raises(Refused) as refused:
        changed(olga, kept, url=NEW)
    assert refused.value.field == "password"
    assert fake.calls == []


def test_a_name_needs_no_answer_and_nothing_changed_no_act(provider, fake, olga):
    fake.is_down = True
    assert changed(olga, provider, name="Main site").name == "Main site"
    acts = Operation.objects.count()
    changed(olga, Provider.objects.get(), name="Main site")
    assert Operation.objects.count() == acts


def test_another_endpoint_s_address_is_taken(provider, fake, olga):
    providers.register(by=olga, name="B", url=NEW, username="portal", password="Canary-spf-1")
    with pytest.raises(Conflicting) as refused:
        changed(olga, provider, url=NEW, password=NEW_PASSWORD)
    assert refused.value.field == "url"


def test_of_two_people_the_second_is_told(provider, olga):
    seen = providers.version(provider)
    changed(olga, provider, name="First", seen=seen)
    with pytest.raises(Conflicting, match="Somebody changed this endpoint meanwhile"):
        changed(olga, Provider.objects.get(), name="Second", seen=seen)
    assert Provider.objects.get().name == "First"


def test_what_changes_during_the_test_is_not_overwritten(provider, fake, olga):
    def meanwhile(asked):
        Provider.objects.filter(pk=provider.pk).update(username="first")
        return fake

    with registry.use(meanwhile), pytest.raises(Conflicting):
        changed(olga, provider, username="second")
    assert Provider.objects.get().username == "first"
    assert log("provider.change") == ["started", "failed"]


def test_what_was_known_of_the_old_account_is_forgotten(provider, fake, olga):
    fake.shut_groups = {"SPF_Usage"}
    accounts.check(provider.pk)
    assert not Provider.objects.get().account_check[-1]["ok"]
    again = changed(olga, Provider.objects.get(), username="portal2")
    assert (again.account_check, again.checked_at) == ([], None)
    assert again.capabilities["generation"]
    assert Stamp.objects.get().full_sync_at is None


def test_who_uses_a_registration_holds_it(provider, fake, olga, subscription):
    make_machine(subscription)
    with pytest.raises(Conflicting, match="machines: web-01; plans: Starter"):
        providers.remove(by=olga, provider=provider)
    assert log("provider.remove") == ["started", "failed"]
    assert Provider.objects.exists()


def test_an_unused_registration_is_forgotten_with_what_is_gone(provider, fake, olga, subscription):
    machine = make_machine(subscription, state=MachineState.DELETED)
    offering = subscription.plan.offering
    offering.delete()
    providers.remove(by=olga, provider=provider)
    assert not Provider.objects.exists()
    assert not Stamp.objects.exists()
    assert not Machine.objects.filter(pk=machine.pk).exists()
    assert fake.known_stamps  # SPF keeps its own
    with pytest.raises(Conflicting):
        providers.remove(by=olga, provider=provider)


def test_a_vmm_server_gets_another_name(provider, fake, olga, stamp):
    providers.rename_stamp(by=olga, stamp=stamp, friendly_name="Berlin")
    stamps.run(str(stamp.pk))
    assert Stamp.objects.get().friendly_name == "Berlin"
    Stamp.objects.create(
        id=provider.pk, provider=provider, name="vmm02.example.net", friendly_name="Paris"
    )
    with pytest.raises(Conflicting) as refused:
        providers.rename_stamp(by=olga, stamp=stamp, friendly_name="paris")
    assert refused.value.field == "friendly_name"


def moving_meanwhile(monkeypatch, fake, provider, olga, verb: str, answer) -> None:
    """Have the endpoint's registration be changed while it is asked this."""

    def asked(*_, **__):
        monkeypatch.undo()
        changed(olga, Provider.objects.get(), url=NEW, password=NEW_PASSWORD)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(fake, verb, asked)


def test_what_the_old_endpoint_tells_after_the_change_is_not_kept(
    provider, fake, olga, subscription, stamp, monkeypatch
):
    machine = make_machine(subscription, remote_id=uuid.uuid4())
    Stamp.objects.update(full_sync_at=None)
    moving_meanwhile(monkeypatch, fake, provider, olga, "machines", ())
    assert not stamps.run(str(stamp.pk))
    machine.refresh_from_db()
    assert machine.state == MachineState.RUNNING
    stamp.refresh_from_db()
    assert stamp.full_sync_at is None, "the new one is read in full"


@pytest.mark.parametrize(
    "fault", [errors.NoAnswer("Nobody is there."), errors.Unauthorized("Who are you?")]
)
def test_that_the_old_endpoint_is_away_says_nothing_of_the_new_one(
    provider, fake, olga, subscription, stamp, monkeypatch, fault
):
    make_machine(subscription)
    moving_meanwhile(monkeypatch, fake, provider, olga, "inventory", fault)
    assert not stamps.run(str(stamp.pk))
    stamp.refresh_from_db()
    assert (stamp.away_since, stamp.problem, stamp.provider.problem) == (None, "", "")
    assert not Machine.objects.exclude(unreachable_since=None).exists()
    assert stamps.run(str(stamp.pk))
