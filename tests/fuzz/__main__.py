"""`python -m tests.fuzz [count] [seed | seed:number]`: exit status 1 when something was found."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz import world
from tests.fuzz.campaign import Campaign


def main(count: int, seed: str) -> int:
    """Run a campaign on servers of its own; print what came of it."""
    folder = Path(tempfile.mkdtemp(prefix="katal-fuzz-"))
    try:
        with world.running(folder) as (spf, known):
            began = time.monotonic()
            result = Campaign(spf, known).run(count, seed)
            print(result.told())
            print(f"took {time.monotonic() - began:.0f} s")
            if count == 1:
                print(spf.stack.log("spf")[-6000:])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if result.is_clean else 1


if __name__ == "__main__":
    given = sys.argv[1:]
    sys.exit(main(int(given[0]) if given else 20_000, given[1] if len(given) > 1 else "1"))
