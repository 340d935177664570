"""Every way a call can go wrong becomes the fault of its kind, in words a person can use."""

from __future__ import annotations

import socket
import ssl
from uuid import uuid4

import httpx
import pytest

from fabric.providers import errors
from fabric.providers.base import MachineOrder
from fabric.providers.spf import SPFProvider, faults, session

PLACE = "spf.example.net:8090"
PAGE = {"content-type": "text/html; charset=utf-8"}


def said(text: str) -> dict[str, object]:
    return {"odata.error": {"code": "", "message": {"lang": "en-US", "value": text}}}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.Rejected),
        (401, errors.Unauthorized),
        (403, errors.Forbidden),
        (404, errors.Missing),
        (408, errors.Unreachable),
        (409, errors.Rejected),
        (422, errors.Rejected),
        (429, errors.Throttled),
        (500, errors.Unreachable),
        (502, errors.Unreachable),
        (503, errors.Throttled),
        (301, errors.BrokenAnswer),
        (307, errors.BrokenAnswer),
    ],
)
def test_a_read_answered_with_a_status_is_a_fault_of_its_kind(far, spf, status, kind):
    far.on("GET", "Stamps", httpx.Response(status, json=said("the words of the far side")))
    with pytest.raises(errors.ProviderFault) as caught:
        spf.stamps()
    assert type(caught.value).__mro__[0] is kind or isinstance(caught.value, kind)
    retryable = (errors.Unreachable, errors.Throttled)
    assert (caught.value.retry_after is not None) == issubclass(kind, retryable)


def test_a_refusal_is_told_in_the_servers_own_words(far, spf):
    far.on(
        "GET", "Stamps", httpx.Response(400, json=said("The parameter\r\n CloudId is mandatory."))
    )
    with pytest.raises(errors.Rejected, match="^The parameter CloudId is mandatory.$"):
        spf.stamps()


def test_a_redirect_is_never_followed(far, spf):
    far.on("GET", "Stamps", httpx.Response(302, headers={"location": "https://elsewhere.example/"}))
    with pytest.raises(errors.BrokenAnswer, match="redirect"):
        spf.stamps()
    assert len(far.calls) == 1


def test_too_many_wrong_passwords_by_others_are_a_reason_to_wait_not_to_give_up(far, spf):
    far.on("GET", "Stamps", httpx.Response(401, headers={"retry-after": "60"}))
    with pytest.raises(errors.Throttled) as caught:
        spf.stamps()
    assert caught.value.retry_after == 60


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("7", 7, 7),
        ("99999", 300, 300),
        ("Sat, 01 Jan 2000 00:00:00 GMT", 0, 0),
        ("Fri, 01 Jan 2100 00:00:00 GMT", 300, 300),
        ("soon", 5, 5),
    ],
)
def test_a_busy_server_says_how_long_to_wait(far, spf, header, least, most):
    far.on("GET", "Stamps", httpx.Response(503, headers={"retry-after": header}))
    with pytest.raises(errors.Throttled) as caught:
        spf.stamps()
    assert least <= caught.value.retry_after <= most


def test_a_write_that_failed_inside_vmm_is_refused_but_worth_another_look(far, spf, stamp_id):
    far.on("MERGE", "VirtualMachines", httpx.Response(500, json=said("The VM is locked.")))
    with pytest.raises(errors.Rejected, match="The VM is locked") as caught:
        spf.operate(uuid4(), "Start", stamp_id=stamp_id, tenant=uuid4(), person="")
    assert caught.value.retry_after


def test_a_web_server_without_spf_is_no_spf_even_when_it_says_404(far, spf):
    far.on("GET", "Stamps", httpx.Response(404, headers=PAGE, text="<html>No such page</html>"))
    with pytest.raises(errors.BrokenAnswer, match="is no Service Provider Foundation"):
        spf.stamps()


def test_a_machine_is_not_gone_because_some_web_server_knows_no_such_page(far, spf, stamp_id):
    far.on("DELETE", "", httpx.Response(404, headers=PAGE, text="<html>No such page</html>"))
    with pytest.raises(errors.BrokenAnswer):
        spf.remove_machine(uuid4(), stamp_id=stamp_id, tenant=uuid4(), person="")


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, headers=PAGE, text="<html><body>Welcome</body></html>"),
        httpx.Response(200, json={"status": "ok"}),
        httpx.Response(200, text="<?xml version='1.0'?><rss/>"),
        httpx.Response(200, text="hello"),
        httpx.Response(200, content=b'{"value": [' + b'{"a":' * 5000),
        httpx.Response(204),
    ],
)
def test_an_answer_that_is_not_odata_comes_from_no_spf(far, spf, answer):
    far.on("GET", "Stamps", answer)
    with pytest.raises(errors.BrokenAnswer, match=f"{PLACE} answers, but"):
        spf.stamps()


def test_an_endless_answer_is_cut_at_the_cap(far, spf, monkeypatch):
    monkeypatch.setattr(session, "READ_CAP", 2**20)

    def endless(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=(b" " * 65536 for _ in iter(int, 1)))

    far.on("GET", "Stamps", endless)
    with pytest.raises(errors.BrokenAnswer, match="more than 1 MB"):
        spf.stamps()


def test_a_trickling_answer_is_given_up(far, spf, monkeypatch):
    clock = iter(range(0, 10_000, 15))
    monkeypatch.setattr(session.time, "monotonic", lambda: next(clock))
    far.on("GET", "Stamps", lambda _: httpx.Response(200, content=(b" " for _ in iter(int, 1))))
    with pytest.raises(errors.Unreachable, match="did not answer within 20 seconds"):
        spf.stamps()


def test_a_name_nobody_knows(far, spf):
    far.on("GET", "", _caused(httpx.ConnectError("x"), socket.gaierror(-2, "unknown")))
    with pytest.raises(errors.Unreachable, match=f"{PLACE} cannot be reached: its name is not"):
        spf.stamps()


def test_a_server_that_is_not_there(far, spf):
    far.on("GET", "", httpx.ConnectTimeout("x"))
    with pytest.raises(errors.Unreachable, match="nothing answers there"):
        spf.stamps()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (20, "authority that is not known"),
        (18, "authority that is not known"),
        (62, "made for another name"),
        (64, "made for another name"),
        (10, "has expired"),
        (9, "not valid yet"),
        (26, "not trusted: unsuitable purpose"),
    ],
)
def test_what_is_wrong_with_a_certificate_is_said(far, spf, code, words):
    problem = ssl.SSLCertVerificationError("no")
    problem.verify_code, problem.verify_message = code, "unsuitable purpose"
    far.on("GET", "", _caused(httpx.ConnectError("x"), problem))
    with pytest.raises(errors.CertificateFault, match=words):
        spf.stamps()


def _caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def test_a_read_on_a_connection_closed_meanwhile_is_made_again(far, spf):
    cut = httpx.RemoteProtocolError("Server disconnected without sending a response.")
    far.on("GET", "Stamps", cut, httpx.Response(200, json={"value": []}))
    assert spf.stamps() == ()
    assert len(far.calls) == 2


def test_a_write_whose_connection_was_cut_is_never_repeated(far, spf, stamp_id):
    far.on("DELETE", "", httpx.ReadError("reset"))
    with pytest.raises(errors.Unreachable, match="cut the connection off") as caught:
        spf.remove_machine(uuid4(), stamp_id=stamp_id, tenant=uuid4(), person="")
    assert len(far.calls) == 1
    assert caught.value.retry_after


def test_no_secret_is_in_a_repr_a_message_or_a_log(far, spf, stamp_id, caplog):
    order = MachineOrder(
        tag="tag-1",
        name="web-01",
        description="",
        stamp_id=stamp_id,
        cloud_id=uuid4(),
        template_id=uuid4(),
        cores=None,
        memory_mb=None,
        admin_user="root",
        password="Guest-secret-2",
    )
    words = "LocalAdminPassword Guest-secret-2 is too weak; you are Wap-secret-1"
    far.on("POST", "VirtualMachines", httpx.Response(400, json=said(words)))
    caplog.set_level("DEBUG")
    with pytest.raises(errors.Rejected) as caught:
        spf.ensure_machine(order, tenant=uuid4(), person="bob@contoso.example", first_try=True)
    fault = caught.value
    told = f"{fault!r} {fault.message} {fault.advice} {spf!r} {spf._session!r} {order!r} "
    told += caplog.text + repr(spf._session._client) + repr(far.calls)
    assert "secret" not in told
    assert "is too weak" in told
    assert fault.__cause__ is None


def test_credentials_in_the_address_are_dropped():
    client = SPFProvider(
        "https://portal:hidden-1@spf.example.net:8090/",
        "portal",
        "other",
        transport=httpx.MockTransport(lambda request: httpx.Response(500)),
    )
    with pytest.raises(errors.Unreachable) as caught:
        client.stamps()
    assert "hidden" not in f"{caught.value!r}{client!r}"


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("http://spf.example.net:8090", errors.CertificateFault),
        ("spf.example.net", errors.BrokenAnswer),
        ("https://", errors.BrokenAnswer),
        ("https://[broken", errors.BrokenAnswer),
    ],
)
def test_an_address_no_call_could_be_made_to_is_refused_at_once(url, kind):
    with pytest.raises(kind):
        SPFProvider(url, "portal", "secret")


def test_an_authority_that_is_no_certificate_is_refused_at_once():
    with pytest.raises(errors.CertificateFault, match="PEM"):
        SPFProvider(f"https://{PLACE}", "portal", "secret", authority_pem="not a certificate")


def test_a_very_long_message_is_cut():
    body = httpx.Response(400, json=said("x" * 1500)).content
    assert len(faults.own_words(body)) <= faults.MAX_WORDS + 1


def test_a_secret_is_cut_out_also_when_its_blanks_were_drawn_together():
    body = b'{"odata.error":{"message":{"value":"The password two  blanks is weak"}}}'
    assert faults.own_words(body, ["two  blanks"]) == "The password … is weak"
