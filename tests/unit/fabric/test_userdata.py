"""User data: scripts go as they are; a #cloud-config is read as YAML before it goes."""

from __future__ import annotations

import pytest

from fabric.userdata import MOST_BYTES, problem

GOOD = """#cloud-config
# what it shall have
packages: [git, curl]
users:
  - name: alice
    ssh_authorized_keys:
      - ssh-ed25519 AAAA
write_files:
- path: /etc/motd
  content: |
    Hello: this is no YAML {[
\tneither is this
runcmd:
  - [sh, -c, "echo done"]
"""


@pytest.mark.parametrize(
    "text",
    ["", "#!/bin/sh\necho {[\n", "Content-Type: multipart/mixed\n\n--x--", "#include\nhttps://x"],
)
def test_what_is_no_cloud_config_goes_as_it_is(text) -> None:
    assert problem(text) is None


def test_a_good_cloud_config_goes() -> None:
    assert problem(GOOD.replace("\tneither", "    neither")) is None


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (GOOD, 12),  # a tab
        ("#cloud-config\npackages: [git\nruncmd: []\n", 3),
        ("#cloud-config\na: b: c\n", 2),
        ('#cloud-config\na: "open\n', 3),
        ("#cloud-config\na:\n   - 1\n  - 2\n", 4),
        ("#cloud-config\nhostname: a\nhostname: b\n", 3),
        ("#cloud-config\na: &x 1\nb: *y\nc: @\n", 4),
    ],
)
def test_a_slip_is_named_by_its_line(text, line) -> None:
    assert f"Line {line}" in (problem(text) or "")


@pytest.mark.parametrize("text", ["#cloud-config\n- a\n- b\n", "#cloud-config\njust words\n"])
def test_a_cloud_config_is_names_with_values(text) -> None:
    assert "names with values" in (problem(text) or "")


@pytest.mark.parametrize("first", ["# cloud-config", "#Cloud-Config", "#cloud -config"])
def test_a_first_line_that_is_nearly_right_is_told(first) -> None:
    assert "#cloud-config" in (problem(f"{first}\na: 1\n") or "")


def test_there_is_an_end_to_it() -> None:
    assert problem("é" * (MOST_BYTES // 2)) is None
    assert str(MOST_BYTES) in (problem("é" * (MOST_BYTES // 2) + "x") or "")


def test_what_is_no_text_is_named_by_its_line() -> None:
    assert "Line 2" in (problem("#!/bin/sh\nnull\0byte\n") or "")


def test_anchors_that_multiply_are_not_followed() -> None:
    lines = ["#cloud-config", "a0: &a0 [x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 20)}]" for n in range(1, 12)]
    assert problem("\n".join(lines)) is None


def test_depth_without_end_is_an_answer_too() -> None:
    assert problem("#cloud-config\na: " + "[" * 8000)
