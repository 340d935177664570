"""What whole-project tools promise: imports run one way, tables match the models."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.slow
def test_imports_run_one_way() -> None:
    """The contracts are in pyproject.toml; the tool's own words say which import breaks one."""
    tool = Path(sys.executable).with_name("lint-imports")
    found = subprocess.run(
        [str(tool), "--no-logo", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "120"},
    )
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.slow
def test_migrations_are_in_step_with_the_models(db: None) -> None:
    said = io.StringIO()
    try:
        call_command("makemigrations", check=True, dry_run=True, stdout=said)
    except SystemExit:
        pytest.fail(f"run makemigrations:\n{said.getvalue()}")
