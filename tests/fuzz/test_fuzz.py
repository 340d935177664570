"""A short campaign with every run; `python -m tests.fuzz` is the long one."""

from __future__ import annotations

import pytest

from tests.fuzz import world
from tests.fuzz.campaign import Campaign

COUNT, SEED = 300, "1"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_nothing_comes_of_requests_nobody_would_send(tmp_path):
    with world.running(tmp_path) as (spf, known):
        result = Campaign(spf, known).run(COUNT, SEED)
    assert result.is_clean, f"python -m tests.fuzz {COUNT} {SEED}\n{result.told()}"
    assert result.statuses[200] > COUNT // 20, "too few of the requests make sense"
