"""`python -m tests.faults`: run them all, and write docs/faults.md when all is well."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.faults import table
from tests.stack import ROOT

if __name__ == "__main__":
    # A process of its own: what is imported here already, pytest could not prepare.
    env = os.environ | {table.WRITE_TO: str(ROOT / "docs" / "faults.md")}
    command = [sys.executable, "-m", "pytest", "-q", str(ROOT / "tests" / "faults"), *sys.argv[1:]]
    sys.exit(subprocess.run(command, cwd=ROOT, env=env, check=False).returncode)
