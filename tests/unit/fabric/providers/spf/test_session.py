"""How calls look on the wire: credentials, addresses, formats, pages."""

from __future__ import annotations

import base64
import ssl
from uuid import uuid4

import httpx
import pytest

from fabric.providers.errors import BrokenAnswer, Unauthorized
from fabric.providers.spf import SPFProvider
from portal.embedded.certificates import ensure_certificates

ADMIN = "https://spf.example.net:8090/SC2012R2/Admin/Microsoft.Management.Odata.svc/"
VMM = "https://spf.example.net:8090/SC2012R2/VMM/Microsoft.Management.Odata.svc/"
CHALLENGE = {"www-authenticate": 'Basic realm="spf.example.net"'}


def client(handler, username="portal", password="secret", url="https://spf.example.net:8090"):
    return SPFProvider(url, username, password, transport=httpx.MockTransport(handler))


def test_credentials_go_with_the_first_request(far, spf):
    far.feed("Stamps")
    spf.stamps()
    (call,) = far.calls
    assert call.headers["authorization"] == "Basic " + base64.b64encode(
        b"portal:Wap-secret-1"
    ).decode("ascii")
    assert str(call.url) == f"{ADMIN}Stamps"
    assert call.headers["accept"] == "application/json;odata=minimalmetadata"
    assert call.headers["dataserviceversion"] == "3.0"


def test_a_wrong_password_is_sent_once_only():
    calls = []

    def refuse(request):
        calls.append(request)
        return httpx.Response(401, headers=CHALLENGE)

    with pytest.raises(Unauthorized, match="user name or the password"):
        client(refuse).stamps()
    assert len(calls) == 1


def test_a_challenge_is_answered_in_windows_encoding_where_letters_need_it():
    right = "Basic " + base64.b64encode("jürgen:paßwort".encode("cp1252")).decode("ascii")
    tried = []

    def windows(request):
        tried.append(request.headers["authorization"])
        if request.headers["authorization"] != right:
            return httpx.Response(401, headers=CHALLENGE)
        return httpx.Response(200, json={"value": []})

    provider = client(windows, "jürgen", "paßwort")
    provider.stamps()
    provider.stamps()
    assert [value == right for value in tried] == [False, True, True]


def test_a_server_that_wants_only_windows_sign_in_is_told_apart():
    with pytest.raises(Unauthorized, match="does not offer Basic"):
        client(lambda _: httpx.Response(401, headers={"www-authenticate": "NTLM"})).stamps()


def test_cookies_are_not_kept(far, spf):
    far.on("GET", "", httpx.Response(200, headers={"set-cookie": "a=b"}, json={"value": []}))
    spf.stamps()
    spf.stamps()
    assert all("cookie" not in call.headers for call in far.calls)


def test_the_environments_proxy_is_not_used(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.net:3128")
    provider = SPFProvider("https://spf.example.net:8090", "portal", "secret")
    assert not provider._session._client._mounts
    provider.close()


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://spf.example.net:8090/", "https://spf.example.net:8090"),
        (" https://spf.example.net ", "https://spf.example.net:443"),
        ("https://[::1]:8090", "https://[::1]:8090"),
        ("https://spf.example.net:8090/behind/", "https://spf.example.net:8090/behind"),
    ],
)
def test_the_base_address_is_made_from_what_was_typed(url, base):
    assert client(lambda _: httpx.Response(500), url=url)._session.base == base


def test_atom_is_understood_although_json_was_asked_for(far, spf):
    id = uuid4()
    far.on(
        "GET",
        "Stamps",
        httpx.Response(
            200,
            headers={"content-type": "application/atom+xml;type=feed"},
            text=f"""<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"
            xmlns:d="http://schemas.microsoft.com/ado/2007/08/dataservices"
            xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"><entry>
            <content type="application/xml"><m:properties><d:ID m:type="Edm.Guid">{id}</d:ID>
            <d:Name>vmm01</d:Name></m:properties></content></entry></feed>""",
        ),
    )
    assert [(stamp.id, stamp.name) for stamp in spf.stamps()] == [(id, "vmm01")]


def test_pages_are_followed_to_the_end(far, spf):
    rows = [{"ID": str(uuid4()), "Name": name} for name in "ab"]
    first = {"value": rows[:1], "odata.nextLink": "Stamps?$skiptoken=1"}
    far.on("GET", "Stamps", httpx.Response(200, json=first))
    far.on("GET", "$skiptoken", httpx.Response(200, json={"value": rows[1:]}))
    assert [stamp.name for stamp in spf.stamps()] == ["a", "b"]


@pytest.mark.parametrize(
    "link",
    [
        "https://elsewhere.example/Stamps?$skiptoken=1",
        "https://spf.example.net:9999/Stamps?$skiptoken=1",
        "http://spf.example.net:8090/Stamps?$skiptoken=1",
        "//elsewhere.example/x",
        f"{ADMIN}Stamps",
        "https://[",
    ],
)
def test_a_list_that_goes_on_elsewhere_or_in_circles_is_no_list(far, spf, link):
    far.on("GET", "Stamps", httpx.Response(200, json={"value": [], "odata.nextLink": link}))
    with pytest.raises(BrokenAnswer, match="cannot be followed"):
        spf.stamps()
    assert {call.url.host for call in far.calls} == {"spf.example.net"}


def test_put_replaces_merge_where_it_is_not_spoken(far, spf, stamp_id):
    machine, tenant, job = uuid4(), uuid4(), uuid4()
    far.on("MERGE", "", httpx.Response(405))
    far.on("PUT", "", httpx.Response(204, headers={"x-ms-request-id": str(job)}))
    for _ in range(2):
        accepted = spf.operate(machine, "Start", stamp_id=stamp_id, tenant=tenant, person="")
        assert (accepted.object_id, accepted.job_id) == (machine, job)
    assert [call.method for call in far.calls] == ["MERGE", "PUT", "PUT"]


@pytest.mark.parametrize(
    ("person", "sent"),
    [
        ("alice@contoso.example", "alice@contoso.example"),
        ("jürgen@contoso.example", "j%C3%BCrgen@contoso.example"),
        ("a%41@contoso.example", "a%2541@contoso.example"),
        ("a\r\nX-Evil: 1", "a%0D%0AX-Evil%3A%201"),
        ("", None),
    ],
)
def test_the_person_is_named_in_a_header_that_can_carry_the_name(far, spf, stamp_id, person, sent):
    far.on("MERGE", "", httpx.Response(204))
    spf.operate(uuid4(), "Start", stamp_id=stamp_id, tenant=uuid4(), person=person)
    assert far.calls[0].headers.get("x-ms-principal-id") == sent


def test_certificates_are_verified_always(tmp_path):
    named = (ensure_certificates(tmp_path) / "ca.pem").read_text()
    for pem in ("", named):
        provider = SPFProvider(
            "https://spf.example.net:8090", "portal", "secret", authority_pem=pem
        )
        context = provider._session._client._transport._pool._ssl_context
        assert context.verify_mode == ssl.CERT_REQUIRED
        assert context.check_hostname
        provider.close()


def test_check_tells_what_the_endpoint_can_do(far, spf):
    far.feed("Admin/Microsoft.Management.Odata.svc/Stamps", {"ID": str(uuid4()), "Name": "vmm01"})
    far.on("GET", "Admin/Microsoft.Management.Odata.svc/$metadata", _described("Stamps", "Tenants"))
    vmm = ("Clouds", "VirtualMachines", "Jobs")
    far.on("GET", "VMM/Microsoft.Management.Odata.svc/$metadata", _described(*vmm))
    assert spf.check() == frozenset()
    far.on("GET", "VMM/Microsoft.Management.Odata.svc/$metadata", _described(*vmm, "JobSteps"))
    assert spf.check() == {"job_steps", "empty_disks"}
    far.on("GET", "VMM/Microsoft.Management.Odata.svc/$metadata", _described("Customers"))
    with pytest.raises(BrokenAnswer, match="no Service Provider Foundation"):
        spf.check()


def _described(*names: str) -> httpx.Response:
    sets = "".join(f'<EntitySet Name="{name}" EntityType="X.{name}"/>' for name in names)
    return httpx.Response(
        200,
        headers={"content-type": "application/xml"},
        text=f'<Edmx xmlns="http://schemas.microsoft.com/ado/2007/06/edmx"><DataServices>'
        f'<Schema Namespace="X"><EntityContainer Name="X">{sets}</EntityContainer></Schema>'
        "</DataServices></Edmx>",
    )
