"""As whom PostgreSQL runs, for it refuses to run as root.

A plain user runs it directly. Root runs it in a user namespace in which root has another
number: files stay root's own, no user is made, and a folder closed to all others still works.
Where the kernel refuses user namespaces (plain Docker does), root steps down to `nobody` for
these processes and hands it the data folder. Data of another owner run as that owner.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from portal.embedded.errors import EmbeddedError

NOBODY = 65534
NAMESPACE = ("unshare", "--user", "--map-user=1000", "--map-group=1000")


@dataclass(frozen=True)
class Identity:
    """A command prefix, or a user to change to, or neither."""

    prefix: tuple[str, ...] = ()
    user: int | None = None
    group: int | None = None


def choose(data_dir: Path) -> Identity:
    """Return whom to run as for this data folder, which exists already."""
    if os.geteuid() != 0:
        return Identity()
    owner = data_dir.stat()
    if owner.st_uid != 0:
        return step_down(data_dir, owner.st_uid, owner.st_gid)
    if namespace_allowed():
        return Identity(prefix=NAMESPACE)
    return step_down(data_dir, NOBODY, NOBODY)


def namespace_allowed() -> bool:
    """Whether this kernel lets us enter a user namespace."""
    if not shutil.which("unshare"):
        return False
    return subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode == 0


def step_down(data_dir: Path, user: int, group: int) -> Identity:
    """Hand the data folder to `user`; raise when that user cannot even reach it."""
    state_dir = data_dir.parent
    if state_dir.stat().st_uid == 0:
        state_dir.chmod(state_dir.stat().st_mode | 0o011)
    for path in (data_dir, *everything_under(data_dir)):
        if path.lstat().st_uid != user:
            os.chown(path, user, group, follow_symlinks=False)
    reach = subprocess.run(
        ["/bin/sh", "-c", 'test -x "$0"', str(data_dir)],
        user=user,
        group=group,
        extra_groups=[],
        check=False,
    )
    if reach.returncode != 0:
        raise EmbeddedError(
            "PostgreSQL does not run as root, this kernel allows no user namespace, and user "
            f"{user} cannot enter {data_dir}. Do one of these: run as a plain user, set "
            "KATAL_STATE_DIR to a folder every user can reach, or set DATABASE_URL."
        )
    return Identity(user=user, group=group)


def lend(folder: Path, identity: Identity) -> None:
    """Let the chosen user make its sockets in `folder`; root can still enter."""
    if identity.user is not None:
        os.chown(folder, identity.user, identity.group or identity.user)


def everything_under(folder: Path) -> Iterator[Path]:
    """Yield every file and folder below `folder`, links not followed."""
    for base, folders, files in os.walk(folder):
        for name in (*folders, *files):
            yield Path(base) / name
