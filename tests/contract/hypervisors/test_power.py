"""The table of powers, guest set-up, and the load."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import uuid4

import pytest

from fabric.hypervisors.base import Capability, Counters, GuestSetup, LoadHistory, Outcome, Power
from fabric.hypervisors.errors import DriverFault, Rejected
from tests.contract.hypervisors.benches import (
    NEEDS,
    Bench,
    a_spec,
    adapter,
    defined,
    finish,
    in_power,
    running,
    seen,
)

YES, NO = True, False
POWER_TABLE = [
    (Power.OFF, Power.RUNNING, False, YES),
    (Power.OFF, Power.OFF, False, YES),
    (Power.OFF, Power.OFF, True, YES),
    (Power.OFF, Power.PAUSED, False, NO),
    (Power.OFF, Power.SAVED, False, NO),
    (Power.RUNNING, Power.RUNNING, False, YES),
    (Power.RUNNING, Power.PAUSED, False, YES),
    (Power.RUNNING, Power.SAVED, False, YES),
    (Power.RUNNING, Power.OFF, False, YES),
    (Power.RUNNING, Power.OFF, True, YES),
    (Power.PAUSED, Power.RUNNING, False, YES),
    (Power.PAUSED, Power.PAUSED, False, YES),
    (Power.PAUSED, Power.SAVED, False, YES),
    (Power.PAUSED, Power.OFF, False, NO),
    (Power.PAUSED, Power.OFF, True, YES),
    (Power.SAVED, Power.RUNNING, False, YES),
    (Power.SAVED, Power.PAUSED, False, NO),
    (Power.SAVED, Power.SAVED, False, YES),
    (Power.SAVED, Power.OFF, False, NO),
    (Power.SAVED, Power.OFF, True, YES),
]


class TestPower:
    @pytest.mark.parametrize(("start", "target", "hard", "allowed"), POWER_TABLE)
    def test_the_table(
        self, bench: Bench, start: Power, target: Power, hard: bool, allowed: bool
    ) -> None:
        for power in (start, target):
            bench.needs(*NEEDS.get(power, ()))
        spec = in_power(bench, start)

        def ask() -> Outcome:
            return bench.host.ensure_power(spec.id, target, hard=hard)

        if allowed:
            finish(ask, bench.patience)
        else:
            with pytest.raises(Rejected):
                ask()

        assert seen(bench.host, spec.id).power is (target if allowed else start)

    @pytest.mark.parametrize("passing", [Power.STARTING, Power.STOPPING])
    def test_passing_states_cannot_be_asked_for(self, bench: Bench, passing: Power) -> None:
        spec = defined(bench)

        with pytest.raises(Rejected):
            bench.host.ensure_power(spec.id, passing)

    def test_a_running_guest_reports_its_fixed_addresses_ipv4_first(self, bench: Bench) -> None:
        both = adapter("2001:db8::5", "10.0.0.5")
        spec = a_spec(bench, both, adapter("10.1.0.6", network="green"), adapter(network="red"))
        defined(bench, spec)
        assert seen(bench.host, spec.id).addresses == ()

        finish(lambda: bench.host.ensure_power(spec.id, Power.RUNNING), bench.patience)

        reported = seen(bench.host, spec.id).addresses
        assert {"10.0.0.5", "10.1.0.6", "2001:db8::5"} <= set(reported)
        families = [":" in address for address in reported]
        assert families == sorted(families)


class TestGuestSetup:
    def test_it_wants_a_running_guest(self, bench: Bench) -> None:
        spec = defined(bench)

        with pytest.raises(Rejected):
            bench.host.ensure_guest_setup(spec.id, GuestSetup("web1", "alice", "Pa55!"))

    def test_asked_again_it_is_done_even_when_off(self, bench: Bench) -> None:
        spec = running(bench)
        finish(lambda: bench.host.ensure_guest_setup(spec.id, GuestSetup("web1", "alice", "Pa55!")))
        finish(lambda: bench.host.ensure_power(spec.id, Power.OFF, hard=True))

        assert bench.host.ensure_guest_setup(spec.id, GuestSetup("web1", "alice", "Pa55!")).done

    def test_no_fault_repeats_the_password(self, bench: Bench) -> None:
        spec = defined(bench)

        with pytest.raises(DriverFault) as caught:
            bench.host.ensure_guest_setup(spec.id, GuestSetup("web1", "alice", "Pa55-secret"))

        assert "Pa55-secret" not in repr(caught.value)

    def test_settings_need_no_administrator(self, bench: Bench) -> None:
        spec = running(bench)
        setup = GuestSetup("web1", time_zone="Europe/Berlin", workgroup="LAB", script="echo hello")

        finish(lambda: bench.host.ensure_guest_setup(spec.id, setup), bench.patience)

        assert bench.host.ensure_guest_setup(spec.id, setup).done

    def test_a_user_may_come_with_keys_alone(self, bench: Bench) -> None:
        spec = running(bench)
        setup = GuestSetup("web1", "alice", ssh_keys=("ssh-ed25519 AAAA a",), user_data="#!/bin/sh")

        finish(lambda: bench.host.ensure_guest_setup(spec.id, setup), bench.patience)

        assert bench.host.ensure_guest_setup(spec.id, setup).done

    @pytest.mark.parametrize(
        "nonsense",
        [
            {"user": "alice"},
            {"password": "Pa55!"},
            {"ssh_keys": ("ssh-ed25519 AAAA a",)},
            {"domain": "corp.example", "workgroup": "LAB"},
        ],
        ids=["no password", "no user", "keys of nobody", "domain and workgroup"],
    )
    def test_what_makes_no_sense_is_refused(self, bench: Bench, nonsense: dict[str, Any]) -> None:
        spec = running(bench)

        with pytest.raises(Rejected):
            bench.host.ensure_guest_setup(spec.id, GuestSetup("web1", **nonsense))


class TestCounters:
    def test_a_batch_leaves_out_strangers_and_counts_the_idle_as_zero(self, bench: Bench) -> None:
        busy, idle = running(bench), defined(bench)

        counted = {c.id: c for c in bench.host.counters([busy.id, idle.id, uuid4()])}

        assert set(counted) == {busy.id, idle.id}
        assert counted[idle.id] == Counters(idle.id, 0, 0, 0, 0)
        assert 0 <= counted[busy.id].cpu_percent <= 100
        assert 0 < counted[busy.id].memory_mb <= busy.memory_mb

    def test_without_ids_all_are_counted(self, bench: Bench) -> None:
        ids = {defined(bench).id, running(bench).id}

        assert {c.id for c in bench.host.counters()} == ids
        assert bench.host.counters([]) == ()

    def test_history_is_zero_before_the_start(self, bench: Bench) -> None:
        if Capability.LOAD_HISTORY not in bench.host.capabilities:
            pytest.skip("the driver does not remember")
        spec = running(bench)
        history = cast(LoadHistory, bench.host)

        (before,) = history.counters_at([spec.id], datetime.now(UTC) - timedelta(hours=1))

        assert before == Counters(spec.id, 0, 0, 0, 0)
