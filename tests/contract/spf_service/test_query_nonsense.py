"""Queries put together at random: an answer or a refusal, never trouble of our own, never slow."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.factories.vmm import acting_for, deploy

SETS = ("VirtualMachines", "Jobs", "VirtualNetworkAdapters", "UserRoles", "Clouds", "VMTemplates")
_WORDS = """
    Name ID StampId Owner Owner/UserName CPUCount AddedTime Enabled Cloud/Name MostRecentTask
    MostRecentTask/Steps VirtualNetworkAdapters IPv4Addresses Members GrantedToList Tag Status
    VMId a a/MACAddress a/RoleName LocalAdminPassword Nonsense $it eq ne lt ge and or not add mul
    div mod ( ) ( ) , : - ' '' 'x' '123' 5 -1 1.5 2M 3L 1e400 null true false NaN INF guid'x'
    guid'00000000-0000-0000-0000-000000000001' datetime'2026-01-01' datetime'9999-99-99' X'0f'
    time'PT1H' length( tolower( startswith(Name,'w') substringof('e',Name) concat( year(AddedTime)
    replace( indexof( substring( round( isof( cast(Name,'Edm.Int32') any( all( /any(a: /all(a:
    /any() desc asc * / // %27 %00 %ff + & ; = $top=1 $skip=-1 $orderby=Name $skiptoken=x
    \u0663 \u0131 \U0001f600
"""
WORDS = st.sampled_from(_WORDS.split())
TEXTS = st.lists(WORDS, max_size=9).map(" ".join) | st.text(max_size=20)
CONDITIONS = st.builds(
    "{} {} {}{}".format,
    WORDS,
    st.sampled_from(["eq", "ne", "lt", "ge", "add 1 eq", "and", "or not"]),
    WORDS,
    st.just("") | TEXTS.map(lambda text: f" and {text}"),
)
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "$filter": CONDITIONS | TEXTS,
        "$orderby": TEXTS | st.just("Owner/UserName desc,Cloud/Name,Name"),
        "$select": TEXTS,
        "$expand": TEXTS
        | st.sampled_from(["Cloud", "VirtualNetworkAdapters,MostRecentTask/Steps"]),
        "$top": st.sampled_from(["0", "1", "99999999999", "x", ""]),
        "$skip": st.sampled_from(["0", "9999999999", "-1"]),
        "$inlinecount": st.sampled_from(["allpages", "none", "some"]),
        "$skiptoken": TEXTS,
    },
)


@pytest.mark.slow
def test_no_query_is_trouble(tenant, administrator, fabric, role):
    deploy(fabric, acting_for(role), "web-01")
    statuses: dict[int, int] = {}

    @settings(max_examples=250)
    @given(st.sampled_from(SETS), OPTIONS, st.booleans(), st.sampled_from(["", "1", "2"]))
    def check(name, options, is_tenant, size) -> None:
        caller = tenant if is_tenant else administrator
        query = "&".join(f"{option}={text}" for option, text in options.items())
        wish = {"Prefer": f"odata.maxpagesize={size}"} if size else {}
        begun = time.process_time()
        answer = caller.get(f"{name}?{query}", **wish)
        assert answer.status_code in (200, 400), (query, answer.content)
        assert time.process_time() - begun < 2, query
        b"".join(answer)
        statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1

    check()
    assert min(statuses[200], statuses[400]) > 20
