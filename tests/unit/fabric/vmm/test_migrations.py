"""Who begins gets all tables at once; who has been here for long gets to the same step by step."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from django.db import connection

ROOT = Path(__file__).resolve().parents[4]
CATALOGUE = (
    """SELECT table_name, column_name, data_type, character_maximum_length, is_nullable,
        column_default, is_identity
    FROM information_schema.columns WHERE table_name LIKE 'vmm\\_%'""",
    """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE conrelid::regclass::text LIKE 'vmm\\_%'""",
    "SELECT indexdef FROM pg_indexes WHERE tablename LIKE 'vmm\\_%'",
    """SELECT pg_get_triggerdef(oid) FROM pg_trigger
    WHERE NOT tgisinternal AND tgrelid::regclass::text LIKE 'vmm\\_%'""",
    "SELECT proname, prosrc FROM pg_proc WHERE proname LIKE 'vmm\\_%'",
)
# What an installation did before the tables could be made at once.
AS_IT_WAS = """
import django; django.setup()
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
steps = MigrationExecutor(connection)
steps.loader.replace_migrations = False
steps.loader.build_graph()
steps.migrate([("vmm", {target!r})])
"""


def catalogue(url: str) -> list[set[tuple[str, ...]]]:
    """Return all that makes up the tables; the order of columns says nothing."""
    with psycopg.connect(url) as there:
        return [set(there.execute(query).fetchall()) for query in CATALOGUE]


def url_of(name: str) -> str:
    """Return the address of another database on the server of the tests."""
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


@pytest.fixture
def steps(db) -> Iterator[dict[str, str]]:
    """Yield the environment of processes that have an empty database of their own."""
    name = f"{connection.settings_dict['NAME']}_steps"
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    yield os.environ | {
        "DATABASE_URL": url_of(name),
        "DJANGO_SETTINGS_MODULE": "portal.settings.spf",
        "PYTHONWARNINGS": "ignore",
    }
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name}")


@pytest.mark.slow
def test_an_older_installation_comes_to_the_same_tables(steps: dict[str, str]) -> None:
    def run(*command: str) -> None:
        subprocess.run([sys.executable, *command], cwd=ROOT, env=steps, check=True)

    run("-c", AS_IT_WAS.format(target="0012_compared_at"))
    run("manage.py", "migrate", "--skip-checks", "--verbosity", "0")
    run("manage.py", "migrate", "--skip-checks", "--check")

    step_by_step = catalogue(steps["DATABASE_URL"])
    at_once = catalogue(url_of(connection.settings_dict["NAME"]))
    assert all(at_once)
    assert step_by_step == at_once
