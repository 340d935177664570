"""The statements of metering: one hour of all machines at once, from `start` to `end`.

Twenty thousand machines are metered in seconds because each looks at its own curve alone: the
medians sort sixty numbers, never a million.
"""

from __future__ import annotations

from typing import Final

BARRIER: Final = "LOCK TABLE vmm_allocation, vmm_adapterpresence IN SHARE MODE"

# Stretches of the hour in which a machine held the same.
_STRETCHES: Final = """
stretch AS MATERIALIZED (
    SELECT machine, cloud, subscription, subscriber, cores, memory_mb,
        storage_gb * 1073741824::bigint AS disk,
        greatest(from_at, %(start)s) AS from_at, least(until_at, %(end)s) AS until_at
    FROM vmm_allocation
    WHERE from_at < %(end)s AND (until_at IS NULL OR until_at > %(start)s)
)"""
# What a machine held for one subscription, and when it was that subscription's.
_HELD: Final = """
held AS MATERIALIZED (
    SELECT machine, subscription, max(subscriber) AS subscriber,
        min(cores) AS cores_min, max(cores) AS cores_max,
        min(memory_mb) AS memory_min, max(memory_mb) AS memory_max,
        min(disk) AS disk_min, max(disk) AS disk_max,
        range_agg(tstzrange(from_at, until_at)) AS during
    FROM stretch GROUP BY machine, subscription
)"""
_CURVES: Final = """
curve AS NOT MATERIALIZED (
    SELECT machine_id AS machine, times, cpu_percent, memory_mb, storage_iops, network_kbps
    FROM vmm_performance WHERE frame = 'hour'
    UNION ALL
    SELECT machine, times, cpu_percent, memory_mb, storage_iops, network_kbps FROM vmm_lastcurve
)"""
_POINTS: Final = """
curve CROSS JOIN LATERAL unnest(
    curve.times, curve.cpu_percent, curve.memory_mb, curve.storage_iops, curve.network_kbps
) AS point (at, cpu, memory, iops, kbps)"""
_INTO: Final = """
INSERT INTO vmm_usagerecord
    (start_at, kind, resource, adapter, subscription, subscriber, figures)"""
# The subscriber as it is called now, if it is still there.
_SUBSCRIBER: Final = "coalesce(role.members->>0, role.name, {0}.subscriber)"


def _spread(name: str) -> str:
    median = f"percentile_cont(0.5) WITHIN GROUP (ORDER BY {name})"
    return f"min({name})::float8, max({name})::float8, {median}::float8"


MACHINES: Final = f"""
WITH {_STRETCHES}, {_HELD}, {_CURVES} {_INTO}
SELECT %(start)s, 0, held.machine, NULL, held.subscription, {_SUBSCRIBER.format("held")},
    ARRAY[cores_min, cores_max, memory_min, memory_max, disk_min, disk_max]::float8[]
        || used.figures
FROM held
LEFT JOIN vmm_userrole AS role ON role.id = held.subscription
CROSS JOIN LATERAL (
    SELECT ARRAY[{_spread("cpu")}, {_spread("memory")}, {_spread("iops")}] AS figures
    FROM {_POINTS}
    WHERE curve.machine = held.machine AND at >= %(start)s AND at < %(end)s
        AND held.during @> at
) AS used
ORDER BY held.subscription, held.machine
"""  # noqa: S608 - made of our own names only

# Where all adapters were there all the hour, which is nearly always, nobody has to count again.
_SHARES: Final = """
presence AS MATERIALIZED (
    SELECT adapter, machine, tstzrange(from_at, until_at) AS during
    FROM vmm_adapterpresence
    WHERE from_at < %(end)s AND (until_at IS NULL OR until_at > %(start)s)
), shares AS MATERIALIZED (
    SELECT machine, count(*) AS adapters, array_agg(during) AS all_during,
        bool_and(during @> tstzrange(%(start)s, %(end)s)) AS is_steady
    FROM presence GROUP BY machine
)"""
ADAPTERS: Final = f"""
WITH {_STRETCHES}, {_HELD}, {_SHARES}, {_CURVES} {_INTO}
SELECT %(start)s, 1, held.machine, presence.adapter, held.subscription,
    {_SUBSCRIBER.format("held")}, used.figures || used.figures
FROM held
JOIN presence ON presence.machine = held.machine
JOIN shares ON shares.machine = held.machine
LEFT JOIN vmm_userrole AS role ON role.id = held.subscription
CROSS JOIN LATERAL (
    SELECT ARRAY[{_spread("share")}, avg(share)::float8] AS figures, count(*) AS points
    FROM (
        SELECT kbps / 16.0 / CASE WHEN shares.is_steady THEN shares.adapters ELSE (
            SELECT count(*) FROM unnest(shares.all_during) AS during WHERE during @> at
        ) END AS share
        FROM {_POINTS}
        WHERE curve.machine = held.machine AND at >= %(start)s AND at < %(end)s
            AND held.during @> at AND presence.during @> at
    ) AS shared
) AS used
WHERE used.points > 0
ORDER BY held.subscription, held.machine, presence.adapter
"""  # noqa: S608 - made of our own names only

# What a subscription holds of a cloud goes up and down as its machines come, grow and go.
_LEVELS: Final = """
step AS (
    SELECT cloud, subscription, from_at AS at, cores, memory_mb, disk FROM stretch
    UNION ALL
    SELECT cloud, subscription, until_at, -cores, -memory_mb, -disk FROM stretch
    UNION ALL
    SELECT DISTINCT cloud, subscription, %(start)s::timestamptz, 0, 0, 0::bigint FROM stretch
), level AS (
    SELECT cloud, subscription, at, sum(sum(cores)) OVER upto AS cores,
        sum(sum(memory_mb)) OVER upto AS memory, sum(sum(disk)) OVER upto AS disk
    FROM step GROUP BY cloud, subscription, at
    WINDOW upto AS (PARTITION BY cloud, subscription ORDER BY at)
), allocated AS (
    SELECT cloud, subscription, ARRAY[min(cores), max(cores), min(memory), max(memory),
        min(disk), max(disk)]::float8[] AS figures
    FROM level WHERE at < %(end)s GROUP BY cloud, subscription
)"""
_MINUTES: Final = f"""
minute AS (
    SELECT cloud, subscription, sum(cpu * cores)::float8 / sum(cores) AS cpu,
        sum(memory) AS memory, sum(iops) AS iops
    FROM stretch JOIN {_POINTS} ON curve.machine = stretch.machine
    WHERE at >= stretch.from_at AND at < stretch.until_at
    GROUP BY cloud, subscription, floor(extract(epoch FROM at) / 60)
), used AS (
    SELECT cloud, subscription,
        ARRAY[{_spread("cpu")}, {_spread("memory")}, {_spread("iops")}] AS figures
    FROM minute GROUP BY cloud, subscription
)"""  # noqa: S608 - made of our own names only
CLOUDS: Final = f"""
WITH {_STRETCHES}, {_CURVES}, {_LEVELS}, {_MINUTES} {_INTO}
SELECT %(start)s, 2, cloud, NULL, subscription, {_SUBSCRIBER.format("known")},
    allocated.figures || coalesce(used.figures, array_fill(NULL::float8, ARRAY[9]))
FROM allocated
JOIN (
    SELECT cloud, subscription, max(subscriber) AS subscriber
    FROM stretch GROUP BY cloud, subscription
) AS known USING (cloud, subscription)
LEFT JOIN used USING (cloud, subscription)
LEFT JOIN vmm_userrole AS role ON role.id = subscription
ORDER BY subscription, cloud
"""  # noqa: S608 - made of our own names only

DONE_WITH: Final = (
    "DELETE FROM vmm_allocation WHERE until_at <= %(end)s",
    "DELETE FROM vmm_adapterpresence WHERE until_at <= %(end)s",
    "DELETE FROM vmm_lastcurve WHERE times[cardinality(times)] < %(end)s",
)
FORGET: Final = """
DELETE FROM vmm_usagerecord WHERE id IN (
    SELECT id FROM (SELECT id, start_at FROM vmm_usagerecord ORDER BY id LIMIT %(most)s) AS oldest
    WHERE start_at < %(cutoff)s
)"""
