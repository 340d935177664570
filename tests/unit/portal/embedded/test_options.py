"""What the environment may say, and what the processes are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from portal.embedded import EmbeddedError
from portal.embedded.options import Options


def test_nothing_said_means_this_machine_only() -> None:
    options = Options.read({}, Path("/project"))
    assert options.state_dir == Path("/project/var")
    assert options.bind == "127.0.0.1"
    assert options.url("admin") == "http://localhost:30091"
    assert options.url("tenant") == "http://localhost:30081"
    assert options.url("spf") == "https://localhost:8090"


@pytest.mark.parametrize(("said", "demo"), [(None, None), ("", None), ("0", False), ("1", True)])
def test_the_demo_is_wanted_unless_refused(said: str | None, demo: bool | None) -> None:
    assert Options.read({} if said is None else {"DEMO": said}).demo is demo


@pytest.mark.parametrize("value", ["http", "0", "70000", "-1"])
def test_a_malformed_port_names_itself(value: str) -> None:
    with pytest.raises(EmbeddedError, match="KATAL_SPF_PORT"):
        Options.read({"KATAL_SPF_PORT": value})


def test_what_was_set_from_outside_wins() -> None:
    given = {"KATAL_HTTPS": "1", "KATAL_SECRET_KEY": "given", "KATAL_SMTP_HOST": "mail.example"}
    told = Options.read(given, Path("/project")).for_processes(given)
    assert told["KATAL_HTTPS"] == "1"
    assert "KATAL_SECRET_KEY_FILE" not in told
    assert "KATAL_MAIL_DIR" not in told


def test_the_secret_key_travels_as_a_file() -> None:
    told = Options.read({}, Path("/project")).for_processes({"MAKEFLAGS": "w"})
    assert told["KATAL_SECRET_KEY_FILE"] == "/project/var/secret_key"
    assert "MAKEFLAGS" not in told
