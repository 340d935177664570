"""What each service says to the account, in words that name what is missing."""

from __future__ import annotations

import httpx
import pytest

ADMIN, VMM = "/Admin/", "/VMM/"
NO_GROUP = httpx.Response(403)


def by_service(spf) -> dict:
    return {each.service: each for each in spf.check_account()}


@pytest.fixture(autouse=True)
def _all_open(far):
    far.on("GET", "/provider/", httpx.Response(200, json=[]))
    far.on("GET", "/usage/", httpx.Response(200, json=[]))
    far.feed("/Admin/", {"ID": "5a1c3f0e-2b7d-4c66-9d0e-8f31b0a4c201", "Name": "vmm01"})
    far.feed("/Clouds", {"ID": "5a1c3f0e-2b7d-4c66-9d0e-8f31b0a4c202", "Name": "Gold"})


def test_an_account_with_everything(spf):
    assert all(each.ok and not each.problem for each in spf.check_account())


@pytest.mark.parametrize(
    ("part", "service", "group"),
    [
        ("/Admin/", "Admin", "SPF_Admin"),
        ("/VMM/", "VMM", "SPF_VMM"),
        ("/provider/", "Provider", "SPF_Provider"),
        ("/usage/", "Usage", "SPF_Usage"),
    ],
)
def test_a_missing_group_is_named(far, spf, part, service, group):
    far.on("GET", part, NO_GROUP)
    told = by_service(spf)
    assert not told[service].ok
    assert group in told[service].problem
    assert group in told[service].advice
    well = {name for name, each in told.items() if each.ok}
    assert well >= {"Admin", "VMM", "Provider", "Usage"} - {service}


def test_an_account_without_rights_in_vmm_is_told_which(far, spf):
    far.feed("/Clouds")
    far.feed("/UserRoles")
    told = by_service(spf)
    assert told["VMM"].ok
    assert not told["VMM rights"].ok
    assert "no administrator of VMM" in told["VMM rights"].problem
    assert "Administrator role" in told["VMM rights"].advice


def test_a_vmm_without_clouds_whose_administrator_asks(far, spf):
    far.feed("/Clouds")
    far.feed("/UserRoles", {"UserRoleProfile": "Administrator", "Members": ["SPF01\\portal"]})
    assert by_service(spf)["VMM rights"].ok


def test_a_wrong_password_is_said_of_each_service(far, spf):
    challenge = httpx.Response(401, headers={"WWW-Authenticate": 'Basic realm="spf"'})
    far.on("GET", "/usage/", challenge)
    told = by_service(spf)
    assert "user name or the password" in told["Usage"].problem
    assert "SPF_Usage" in told["Usage"].advice


def test_a_service_that_is_not_installed(far, spf):
    page = httpx.Response(404, headers={"Content-Type": "text/html"}, content=b"<html>")
    far.on("GET", "/provider/", page)
    assert "no Provider service" in by_service(spf)["Provider"].problem


def test_a_service_that_dislikes_the_question_lets_us_in(far, spf):
    far.on("GET", "/provider/", httpx.Response(405))
    far.on("GET", "/usage/", httpx.Response(400))
    assert all(each.ok for each in spf.check_account())


def test_nobody_there_is_asked_once(far, spf):
    far.on("GET", "/Admin/", httpx.ConnectTimeout("nobody"))
    told = spf.check_account()
    assert len(far.calls) == 1
    assert {each.problem for each in told} == {
        "spf.example.net:8090 cannot be reached: nothing answers there."
    }
    assert not any(each.ok for each in told)


def test_a_service_that_breaks_leaves_the_others(far, spf):
    far.on("GET", "/Admin/", httpx.Response(500))
    told = by_service(spf)
    assert "500" in told["Admin"].problem
    assert told["VMM"].ok
