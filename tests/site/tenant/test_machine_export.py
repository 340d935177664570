"""The list as CSV: everything that matches, safe, with times by the viewer's clock."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from fabric.models import Machine
from portal.tenant_site.machine_export import safe
from tests.factories.fabric import make_machine

URL = reverse("machine-export", urlconf="portal.urls.tenant")


def rows(answer) -> list[dict[str, str]]:
    text = answer.getvalue().decode("utf-8")
    assert text.startswith("\ufeff"), "else a spreadsheet takes it for another encoding"
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_it_is_a_file_with_every_machine_that_matches(as_alice, subscription) -> None:
    for n in (*range(5), 10):
        make_machine(subscription, f"n{n:02d}")
    answer = as_alice.get(f"{URL}?q=n0&sort=-name&size=25&after=zzz")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].endswith('.csv"')
    assert [row["Name"] for row in rows(answer)] == [f"n{n:02d}" for n in reversed(range(5))]


def test_the_cells_say_what_the_page_says(as_alice, machine) -> None:
    Machine.objects.update(tags=["production", "web"], is_protected=True)
    (row,) = rows(as_alice.get(URL))
    told = {"State": "Running", "Plan": "Starter", "Cores": "1", "Memory (MB)": "1024"}
    told |= {"Addresses": "10.20.0.4", "Tags": "production, web", "Protected": "yes"}
    assert {name: row[name] for name in told} == told


def test_times_are_by_the_viewers_clock(as_alice, alice, machine) -> None:
    alice.time_zone = "Europe/Amsterdam"
    alice.save()
    Machine.objects.update(
        created_at=datetime(2026, 7, 1, 22, 30, tzinfo=UTC),
        ends_at=datetime(2026, 12, 1, 22, 30, tzinfo=UTC),
    )
    (row,) = rows(as_alice.get(URL))
    assert row["Created (Europe/Amsterdam)"] == "2026-07-02 00:30:00"
    assert row["Ends (Europe/Amsterdam)"] == "2026-12-01 23:30:00"


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1", '=HYPERLINK("x")']
)
def test_no_cell_is_a_formula(as_alice, machine, text) -> None:
    Machine.objects.update(description=text, os_name=text)
    (row,) = rows(as_alice.get(URL))
    assert row["Description"] == row["System"] == f"'{text}"


def test_words_and_numbers_stay_as_they_are() -> None:
    assert safe("web-01") == "web-01"
    assert safe(-3) == -3


def test_it_costs_the_same_however_long_it_is(as_alice, subscription, machine) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as asked:
            as_alice.get(URL).getvalue()
        return len(asked)

    few = cost()
    for n in range(5):
        make_machine(subscription, f"n{n}")
    assert cost() == few
