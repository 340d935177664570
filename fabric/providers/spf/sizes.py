"""Which sizes machines of a template may have, as it says itself or capability profiles do.

A template may name a profile; else its machine must fit one of its cloud, and VMM says which. What
is told is the widest of these, so it never refuses what VMM would take.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, replace

from fabric.providers.spf import reading
from fabric.providers.spf.reading import NO_SIZES, Row, Sizes


def of_templates(clouds: Sequence[Row], profiles: Iterable[Row]) -> Callable[[Row], Sizes]:
    """Return what tells the sizes of a template's row; clouds have their profiles expanded."""
    named = {reading.text(row, "Name"): reading.sizes(row) for row in profiles}
    by_cloud = {
        id: [reading.sizes(row) for row in reading.several(cloud, "CapabilityProfiles")]
        for cloud in clouds
        if (id := reading.guid(cloud, "ID"))
    }

    def tell(template: Row) -> Sizes:
        profile = named.get(reading.text(template, "CapabilityProfile"))
        others = profile if profile is not None else _where(template, by_cloud)
        # Our SPF tells them with the template.
        told = {name: value for name, value in asdict(reading.sizes(template)).items() if value}
        return replace(others, **told)

    return tell


def _where(template: Row, by_cloud: Mapping[uuid.UUID, Sequence[Sizes]]) -> Sizes:
    only = reading.guid(template, "CloudID", "CloudId")
    offered = [by_cloud.get(only, ())] if only else list(by_cloud.values())
    # A cloud without any allows everything.
    return _widest([each for some in offered for each in some]) if all(offered) else NO_SIZES


def _widest(sizes: Collection[Sizes]) -> Sizes:
    return Sizes(
        min_cores=_bound(min, [each.min_cores for each in sizes]),
        max_cores=_bound(max, [each.max_cores for each in sizes]),
        min_memory_mb=_bound(min, [each.min_memory_mb for each in sizes]),
        max_memory_mb=_bound(max, [each.max_memory_mb for each in sizes]),
    )


def _bound(choose: Callable[[list[int]], int], limits: Collection[int | None]) -> int | None:
    known = [limit for limit in limits if limit is not None]
    return choose(known) if known and len(known) == len(limits) else None
