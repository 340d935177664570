"""Faults say whose they are and whether to try again."""

from __future__ import annotations

import pickle

import pytest

from fabric.hypervisors import errors


@pytest.mark.parametrize("fault", [errors.Unreachable, errors.Busy, errors.Throttled])
def test_passing_trouble_says_when_to_come_back(fault: type[errors.DriverFault]) -> None:
    assert not fault("x").permanent
    assert fault("x").retry_after
    assert fault("x", retry_after=0.2).retry_after == 0.2


@pytest.mark.parametrize(
    "fault", [errors.Rejected, errors.Missing, errors.Unsupported, errors.Full]
)
def test_lasting_trouble_does_not(fault: type[errors.DriverFault]) -> None:
    assert fault("x").permanent
    assert fault("x").retry_after is None


def test_codes_differ() -> None:
    kinds = errors.DriverFault.__subclasses__()

    assert len({kind.code for kind in kinds}) == len(kinds) == 7


def test_a_fault_crosses_processes_whole() -> None:
    fault = pickle.loads(pickle.dumps(errors.Full("full", resource="memory", free=1, wanted=2)))

    assert (str(fault), fault.resource, fault.free, fault.wanted) == ("full", "memory", 1, 2)
