"""The house rules that a machine can hold: sizes, names, the five commands, the papers."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("portal", "fabric", "plans", "tenants", "tests")
LONGEST_MODULE = 400
LONGEST_TEST = 500
ROOMS_WITHOUT_A_SUBJECT = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "misc",
    "managers",
    "core",
}


def sources() -> Iterator[Path]:
    for package in PACKAGES:
        yield from (ROOT / package).rglob("*.py")


def shown(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def test_no_module_outgrows_its_limit() -> None:
    too_long = [
        path
        for path in sources()
        if "migrations" not in path.parts
        and len(path.read_text().splitlines())
        > (LONGEST_TEST if path.name.startswith("test_") else LONGEST_MODULE)
    ]
    assert not shown(too_long), "split them by noun or by verb"


def test_every_room_is_named_by_its_subject() -> None:
    nameless = [
        path
        for path in sources()
        if ROOMS_WITHOUT_A_SUBJECT & {path.stem.strip("_"), *path.relative_to(ROOT).parts}
    ]
    assert not shown(nameless)


def test_every_module_says_what_lives_there() -> None:
    silent = [
        path
        for path in sources()
        if "migrations" not in path.parts
        and path.name not in {"__init__.py", "apps.py"}
        and not re.match(r'(#!.*\n)?(#.*\n|\s)*[rR]?"""', path.read_text())
    ]
    assert not shown(silent), "begin with a docstring"


def test_the_makefile_has_exactly_the_five_commands() -> None:
    targets = re.findall(r"^([A-Za-z][\w-]*):(?!=)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert targets == ["run", "test", "check", "bench", "shots"]


def test_the_procfile_names_every_process() -> None:
    lines = (ROOT / "Procfile").read_text().splitlines()
    names = [line.partition(":")[0] for line in lines if line.strip()]
    assert names == ["admin", "tenant", "spf", "worker", "vmm", "beat"]


@pytest.mark.parametrize("paper", ["LICENSE", "SECURITY.md", "CHANGELOG.md", "README.md"])
def test_the_papers_are_there(paper: str) -> None:
    assert (ROOT / paper).read_text().strip()


def test_the_licence_is_apache_2() -> None:
    assert (
        "Apache License\n                           Version 2.0" in (ROOT / "LICENSE").read_text()
    )
    assert 'license = "Apache-2.0"' in (ROOT / "pyproject.toml").read_text()


def test_what_we_carry_of_others_brings_its_licence() -> None:
    vendored = ROOT / "static" / "vendor"
    carried = [path for path in vendored.glob("*") if path.name != "README.md"]
    bare = [
        path
        for path in carried
        if not (path.is_dir() and any(path.glob("LICEN[CS]E*")))
        and path.name not in (vendored / "README.md").read_text()
    ]
    assert not shown(bare), "add its LICENSE, or name it in static/vendor/README.md"


def test_the_lock_names_public_hosts_only() -> None:
    hosts = set(re.findall(r"https?://([^/\"]+)", (ROOT / "uv.lock").read_text()))
    assert hosts == {"pypi.org", "files.pythonhosted.org"}


def test_only_settings_and_the_launcher_read_the_environment() -> None:
    allowed = ("portal/settings/", "portal/embedded/", "tests/")
    readers = [
        path
        for path in sources()
        if re.search(r"os\.environ(?!\.setdefault\(\"DJANGO_SETTINGS_MODULE\")", path.read_text())
        or "os.getenv" in path.read_text()
    ]
    assert [name for name in shown(readers) if not name.startswith(allowed)] == []


@pytest.mark.slow
def test_nothing_made_by_running_is_committed() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-ci", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    assert listed.stdout == ""
