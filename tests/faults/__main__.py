"""`python -m tests.faults`: run them all, and write docs/faults.md when all is well."""

from __future__ import annotations

import os
import sys

import pytest

from tests.faults import table
from tests.stack import ROOT

if __name__ == "__main__":
    os.environ[table.WRITE_TO] = str(ROOT / "docs" / "faults.md")
    sys.exit(pytest.main(["-q", str(ROOT / "tests" / "faults"), *sys.argv[1:]]))
