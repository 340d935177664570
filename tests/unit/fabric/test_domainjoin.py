"""Joining a domain while a machine is set up: features D019 to D024, row by row."""

from __future__ import annotations

import pytest

from fabric import domainjoin

CORP = {
    "domain": "corp.example.net",
    "account_domain": "CORP",
    "user": "joiner",
    "password": "Correct-Horse-7",
    "ou": "OU=Servers,DC=corp,DC=example,DC=net",
}


def problems(**changed: str) -> dict[str, str]:
    return domainjoin.problems(**CORP | changed)


def test_d019_a_machine_may_be_told_to_join_a_domain() -> None:
    assert problems() == {}


def test_d020_all_that_is_missing_is_told_at_once() -> None:
    told = domainjoin.problems(domain="", account_domain="", user="", password="")
    assert set(told) == {"domain", "account_domain", "user", "password"}


@pytest.mark.parametrize("name", ["corp.example.net", "CORP.Example.NET", "a-b.c1", "x.local"])
def test_d021_the_domain_is_a_full_name(name) -> None:
    assert domainjoin.domain_problem(name) is None


@pytest.mark.parametrize(
    "name",
    ["CORP", "corp.", ".corp", "corp..net", "-a.net", "a-.net", "a_b.net", "10.0.0.1", "a b.net"]
    + ["x" * 64 + ".net", ".".join(["abcdefgh"] * 30)],
)
def test_d021_what_is_no_full_name_is_refused(name) -> None:
    assert domainjoin.domain_problem(name)


def test_d021_the_account_may_be_of_another_trusted_domain() -> None:
    assert problems(account_domain="PARTNERS") == {}


@pytest.mark.parametrize("name", ["corp.example.net", "A" * 16, "CO RP", "CO\\RP", 'CO"RP', "C:"])
def test_d021_the_accounts_domain_is_a_netbios_name(name) -> None:
    assert list(problems(account_domain=name)) == ["account_domain"]


def test_d021_a_dns_name_where_netbios_is_wanted_says_so() -> None:
    assert "NetBIOS" in problems(account_domain="corp.example.net")["account_domain"]


@pytest.mark.parametrize(
    ("user", "hint"),
    [
        ("CORP\\joiner", "field of its own"),
        ("joiner@example.net", "short name"),
        ("j" * 21, "20"),
        ("join;er", "none of these"),
        ("...", "none of these"),
        ("", "account"),
    ],
)
def test_d021_the_user_is_named_the_nt_way(user, hint) -> None:
    assert hint in problems(user=user)["user"]


@pytest.mark.parametrize("user", ["joiner", "svc-join", "Jane Doe", "j.doe", "j" * 20, "müller"])
def test_d021_names_as_people_have_them_will_do(user) -> None:
    assert problems(user=user) == {}


@pytest.mark.parametrize("password", ["", "x" * 128, "line\nbreak"])
def test_d021_a_password_must_be_there_and_be_text(password) -> None:
    assert list(problems(password=password)) == ["password"]


def test_d022_a_container_is_no_organisational_unit() -> None:
    told = problems(ou="CN=Computers,DC=corp,DC=example,DC=net")["ou"]
    assert "container, not an organisational unit" in told


def test_d022_a_unit_within_a_container_is_still_refused_by_its_first_name_only() -> None:
    assert problems(ou="OU=Web,CN=Program Data,DC=corp,DC=example,DC=net") == {}


def test_d023_without_a_unit_the_domain_decides() -> None:
    assert problems(ou="") == {}


@pytest.mark.parametrize(
    "ou",
    [
        "ou=Servers, dc=corp, dc=example, dc=net",
        "OU=Web,OU=Servers,DC=corp,DC=example,DC=net",
        "OU=Research\\, Development,DC=corp,DC=example,DC=net",
    ],
)
def test_d021_units_within_units_and_odd_names_will_do(ou) -> None:
    assert problems(ou=ou) == {}


@pytest.mark.parametrize(
    ("ou", "hint"),
    [
        ("Servers", "distinguished name"),
        ("OU=,DC=corp", "distinguished name"),
        ("OU=Servers,,DC=corp", "distinguished name"),
        ("OU=Servers,DC=corp,", "distinguished name"),
        ("XX=Servers,DC=corp", "distinguished name"),
        ("DC=corp,DC=example,DC=net", "Begin with the unit"),
        ("OU=Servers", "End with the domain"),
        ("OU=Servers,DC=corp,OU=Odd,DC=net", "End with the domain"),
        ("OU=Servers,DC=other,DC=net", "other.net"),
        ("OU=" + "x" * 1024, "1024"),
    ],
)
def test_d021_what_is_no_unit_of_the_domain_is_refused(ou, hint) -> None:
    assert hint in problems(ou=ou)["ou"]


def test_d024_no_problem_ever_repeats_the_password() -> None:
    told = domainjoin.problems(**dict.fromkeys(CORP, "Geheim-\n-Wort"))
    assert not [text for text in told.values() if "Geheim" in text]
