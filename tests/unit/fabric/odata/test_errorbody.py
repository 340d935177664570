"""Errors are written in the asked format and read in any."""

from __future__ import annotations

import json

import pytest

from fabric.odata import errorbody
from fabric.odata.errors import BadRequest, Conflict, NotFound, ODataError
from fabric.odata.negotiate import Format

TEXT = "The parameter <CloudId> is mandatory & missing."


@pytest.mark.parametrize("fmt", list(Format))
def test_a_message_written_is_read_back(fmt: Format) -> None:
    body, content_type = errorbody.write(BadRequest(TEXT), fmt)

    assert errorbody.read_message(body, content_type) == TEXT


def test_the_shapes_are_those_of_odata_three() -> None:
    light, light_type = errorbody.write(NotFound("gone", code="X"), Format.JSON_MINIMAL)
    xml, xml_type = errorbody.write(NotFound("gone"), Format.ATOM)

    assert json.loads(light) == {
        "odata.error": {"code": "X", "message": {"lang": "en-US", "value": "gone"}}
    }
    assert light_type == "application/json;odata=minimalmetadata;streaming=true;charset=utf-8"
    assert b'<m:message xml:lang="en-US">gone</m:message></m:error>' in xml
    assert xml_type == "application/xml;charset=utf-8"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"odata.error":{"code":"","message":{"lang":"en-US","value":"light"}}}', "light"),
        (b'{"error":{"code":"","message":{"lang":"en-US","value":"verbose"}}}', "verbose"),
        (b'{"error":{"message":"bare"}}', "bare"),
        (b'{"Message":"web api"}', "web api"),
        (b'{"error":{"message":{"value":""},"innererror":{"message":"inner"}}}', "inner"),
        (
            b'<m:error xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">'
            b'<m:code /><m:message xml:lang="en-US">atom</m:message></m:error>',
            "atom",
        ),
        (
            b'<Error xmlns="http://schemas.microsoft.com/windowsazure"><Code>BadRequest</Code>'
            b"<Message>through the portal</Message><Severity>Error</Severity></Error>",
            "through the portal",
        ),
        (b"\xef\xbb\xbf  <error><message> padded </message></error>", "padded"),
        (b"<error><message /><innererror><message>deep</message></innererror></error>", "deep"),
    ],
)
def test_every_shape_met_in_the_field_is_read(body: bytes, message: str) -> None:
    # The header is no help: an intermediary answers in XML whatever was asked.
    assert errorbody.read_message(body, "application/json") == message
    assert errorbody.read_message(body, None) == message


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"Service Unavailable",
        b"<html><body><message>x</message></body></html>",
        b"<!DOCTYPE html><html></html>",
        b"{",
        b"{}",
        b'{"error":"x"}',
        b'{"odata.error":{"message":5}}',
        b"[" * 50_000,
        b"{" * 50_000,
    ],
    ids=range(10),
)
def test_nothing_readable_gives_nothing(body: bytes) -> None:
    assert errorbody.read_message(body, "text/html") == ""


def test_a_message_is_cut_to_what_people_read() -> None:
    body, kind = errorbody.write(BadRequest("x" * 50_000), Format.JSON_MINIMAL)

    assert len(errorbody.read_message(body, kind)) == errorbody.MAX_MESSAGE


def test_errors_know_their_status() -> None:
    assert (BadRequest("x").status, NotFound().status, Conflict().status) == (400, 404, 409)
    assert ODataError("x").status == 500
    assert ODataError("x", status=501).status == 501
