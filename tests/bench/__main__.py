"""`make bench`: measure all, or what is named: see the names below, and servers."""

from __future__ import annotations

import sys

from tests.bench import (
    away,
    burst,
    deploy,
    fabric,
    lists,
    pages,
    placement,
    servers,
    spf,
    watched,
)
from tests.bench.cloud import cloud
from tests.bench.table import Row, show

ON_A_CLOUD = {
    "deploy": deploy.measure,
    "burst": burst.measure,
    "thousand": burst.thousand,
    "away": away.measure,
    "lists": lists.measure,
    "pages": pages.measure,
    "watched": watched.measure,
    "fabric": fabric.measure,
    "placement": placement.measure,
    "spf": spf.measure,
}


def main(names: list[str]) -> int:
    """Print the table; 1 when a goal was missed."""
    known = [*ON_A_CLOUD, "servers"]
    if not {*names} <= {*known}:
        print(f"There is: {', '.join(known)}.")
        return 2
    wanted = names or known
    rows: list[Row] = []
    with cloud() as it:
        for name, measure in ON_A_CLOUD.items():
            if name in wanted:
                rows += measure(it)
        if "servers" in wanted:
            rows += servers.measure(it)
    show(rows)
    return 0 if all(row.reached is not False for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
