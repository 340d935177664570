"""Rows as they come in the field: missing, null, odd; none of them spoils a list."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from fabric.providers.spf import reading

ID = "b81e5c37-4f02-49a6-97d3-2ac60e8f1b05"


def test_a_machine_as_captured_from_microsoft():
    role = uuid4()
    machine = reading.machine(
        {
            "ID": ID,
            "Name": "web-01",
            "Tag": "(none)",
            "Status": "Running",
            "StatusString": "Wird ausgeführt",
            "CPUCount": 4,
            "Memory": "8192",
            "OperatingSystem": "Ubuntu Linux 14.04 (64 bit)",
            "MostRecentTaskId": "3d95c1e8-7a64-4e21-8b0f-f04a6d27c907",
            "VMHostName": None,
            "Owner": {"RoleID": str(role), "RoleName": "x", "UserName": "anna"},
            "VirtualNetworkAdapters": [
                {"IPv4Addresses": [], "IPv6Addresses": ["fe80::1", "2001:db8::7"]},
                {"IPv4Addresses": ["10.20.1.4", "169.254.3.3"], "IPv6Addresses": None},
            ],
        }
    )
    assert (machine.tag, machine.status, machine.memory_mb) == ("", "Running", 8192)
    assert machine.addresses == ("10.20.1.4", "2001:db8::7")
    assert machine.owner_role_id == role
    assert machine.host_name == ""


def test_a_machine_of_which_only_the_id_is_told():
    machine = reading.machine({"ID": ID})
    assert machine.id == UUID(ID)
    assert (machine.status, machine.cores, machine.addresses, machine.job_id) == ("", 0, (), None)


def test_nonsense_in_a_property_is_as_if_it_were_missing():
    machine = reading.machine(
        {
            "ID": ID,
            "Name": {"nested": True},
            "CPUCount": "many",
            "Memory": -1,
            "Owner": "alice",
            "MostRecentTaskId": "00000000-0000-0000-0000-000000000000",
            "VirtualNetworkAdapters": [{"IPv4Addresses": [7, "not an address", "10.0.0.1"]}, "x"],
        }
    )
    assert (machine.name, machine.cores, machine.memory_mb) == ("", 0, 0)
    assert (machine.owner_role_id, machine.job_id) == (None, None)
    assert machine.addresses == ("10.0.0.1",)


def test_an_unknown_status_is_handed_on_as_it_is():
    assert reading.machine({"ID": ID, "Status": "Teleporting"}).status == "Teleporting"


def test_a_broken_row_is_left_out_and_logged(caplog):
    rows = [{"Name": "broken", "Password": "hidden"}, {"ID": ID}, {"ID": "no guid"}]
    found = reading.each(reading.machine, rows, "VirtualMachines")
    assert [machine.id for machine in found] == [UUID(ID)]
    assert caplog.text.count("a row of VirtualMachines is left out") == 2
    assert "hidden" not in caplog.text


@pytest.mark.parametrize(
    ("row", "cores"),
    [
        ({"CPUCount": "64", "UseCPUCountMaximum": False}, 64),
        ({"CPUCount": "64", "UseCPUCountMaximum": True}, None),
        ({"CPUCount": "64", "UseCPUCountMaximum": "true"}, None),
        ({"CPUCount": 0, "UseCPUCountMaximum": False}, 0),
        ({"CPUCount": None}, None),
        ({}, None),
    ],
)
def test_a_clouds_limit_or_none(row, cores):
    assert reading.cloud({"ID": ID, "Name": "Gold"}, row, ()).cores == cores


def test_a_templates_disk_counts_in_whole_gigabytes():
    template = reading.template(
        {
            "ID": ID,
            "Name": "Ubuntu",
            "OSType": "Other",
            "TotalVHDCapacity": "42949672961",
            "CPUCount": 2,
            "Memory": 1024,
            "NicCount": 0,
            "CloudID": None,
        }
    )
    assert (template.storage_gb, template.os_type, template.adapters) == (41, "Other", 0)
    assert template.generation is None


@pytest.mark.parametrize(
    ("row", "completed", "succeeded"),
    [
        ({"Status": "Running", "IsCompleted": False}, False, False),
        ({"Status": "NotStarted"}, False, False),
        ({"Status": "Completed", "IsCompleted": True}, True, True),
        ({"Status": "SucceedWithInfo", "IsCompleted": "true"}, True, True),
        ({"Status": "Failed", "IsCompleted": True}, True, False),
        ({"Status": "Canceled", "IsCompleted": None}, True, False),
        ({"Status": "Invalid", "IsCompleted": True}, True, False),
        ({"Status": "Neu", "IsCompleted": True, "ErrorInfo": {"IsSuccess": True}}, True, True),
        ({"Status": "Neu", "IsCompleted": True}, True, False),
    ],
)
def test_the_families_of_a_jobs_status(row, completed, succeeded):
    job = reading.job({"ID": ID, **row})
    assert (job.completed, job.succeeded) == (completed, succeeded)


def test_a_failed_job_says_why_and_what_to_do():
    error = {"Problem": "No suitable host.", "RecommendedAction": "Free capacity."}
    job = reading.job({"ID": ID, "Status": "Failed", "IsCompleted": True, "ErrorInfo": error})
    assert (job.problem, job.advice) == ("No suitable host.", "Free capacity.")
    silent = reading.job({"ID": ID, "Status": "Failed", "StatusString": "Fehlgeschlagen"})
    assert silent.problem == "Fehlgeschlagen"
    done = reading.job({"ID": ID, "Status": "Completed", "ErrorInfo": error})
    assert done.problem == ""


@pytest.mark.parametrize(
    ("row", "percent"),
    [
        ({"ProgressValue": 42}, 42),
        ({"Progress": "42 %"}, 42),
        ({"ProgressValue": 900}, 100),
        ({"ProgressValue": -1, "Progress": "7 %"}, 7),
        ({"Progress": "soon"}, 0),
        ({}, 0),
    ],
)
def test_how_far_a_job_is(row, percent):
    assert reading.job({"ID": ID, "Status": "Running", **row}).percent == percent


def test_steps_come_in_their_order_with_their_times():
    steps = [
        {"Number": 2, "Name": "Start", "Status": "Running", "ProgressValue": 10},
        {"Number": 3, "Name": "Read back", "Status": "NotStarted"},
        {
            "Number": 1,
            "Name": "Place",
            "Status": "Completed",
            "StartTime": "2026-02-03T10:00:01.1234567+01:00",
        },
    ]
    job = reading.job({"ID": ID, "Status": "Running", "Steps": steps})
    assert [(s.title, s.state, s.percent) for s in job.steps] == [
        ("Place", "done", 100),
        ("Start", "running", 10),
        ("Read back", "pending", 0),
    ]
    assert job.steps[0].started_at is not None
    assert job.steps[0].started_at.utcoffset().total_seconds() == 3600


def test_curves_keep_samples_and_times_beside_each_other():
    curves = reading.curves(
        [
            {
                "PerformanceCounter": "NetworkIOUsage",
                "PerformanceHistory": [1, -1, 3],
                "TimeSamples": ["2026-02-03T10:00:00Z", "2026-02-03T10:05:00Z"],
            },
            {"PerformanceCounter": "PowerSavings", "PerformanceHistory": [], "TimeSamples": []},
            {"PerformanceCounter": "CPUUsage", "PerformanceHistory": None},
        ]
    )
    assert [(c.counter, c.samples, len(c.times)) for c in curves] == [
        ("cpu", (), 0),
        ("network", (1, 0), 2),
    ]
