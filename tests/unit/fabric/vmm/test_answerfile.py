"""Answer files of Windows: what set-up reads there of joining a domain."""

from __future__ import annotations

import base64
from xml.etree import ElementTree

import pytest

from fabric.vmm import answerfile
from fabric.vmm.answerfile import Join
from fabric.vmm.errors import Invalid

NAMES = {"u": answerfile.NAMESPACE}
JOIN = Join("corp.example.net", "PARTNER", "joiner", "J0in <&> phrase", "OU=Web,DC=corp,DC=example")
PROFILES = """<?xml version="1.0" encoding="utf-16"?>
<unattend xmlns="urn:schemas-microsoft-com:unattend"
          xmlns:wcm="http://schemas.microsoft.com/WMIConfig/2002/State">
  <!-- of the hoster -->
  <settings pass="specialize">
    <component name="Microsoft-Windows-Shell-Setup"><RegisteredOwner>Hoster</RegisteredOwner>
    </component>
    <component name="Microsoft-Windows-UnattendedJoin" processorArchitecture="amd64">
      <Identification><JoinWorkgroup>LAB</JoinWorkgroup></Identification>
    </component>
  </settings>
  <settings pass="oobeSystem">
    <component name="Microsoft-Windows-Shell-Setup" wcm:action="add"/>
  </settings>
</unattend>"""


def identification(text: str) -> dict[str, str]:
    """Return what the file says of joining; it must be said once."""
    root = ElementTree.fromstring(text.encode())
    (found,) = root.findall(
        f"u:settings[@pass='specialize']/u:component[@name='{answerfile.COMPONENT}']"
        "/u:Identification",
        NAMES,
    )
    leaves = [each for each in found.iter() if len(each) == 0]
    return {each.tag.rpartition("}")[2]: each.text or "" for each in leaves}


def test_a_new_file_has_the_five_elements_and_no_password_in_clear():
    text = answerfile.joining("", JOIN)
    told = identification(text)
    assert told.keys() == {"JoinDomain", "Domain", "Username", "Password", "MachineObjectOU"}
    assert (told["JoinDomain"], told["Domain"]) == ("corp.example.net", "PARTNER")
    assert (told["Username"], told["MachineObjectOU"]) == ("joiner", JOIN.unit)
    assert "J0in" not in text
    assert base64.b64decode(told["Password"]).decode("utf-16-le") == "J0in <&> phrasePassword"
    assert text.startswith('<?xml version="1.0" encoding="utf-8"?>')


def test_without_a_unit_the_element_is_absent():
    told = identification(answerfile.joining("", Join("corp.example.net", "CORP", "j", "p")))
    assert told.keys() == {"JoinDomain", "Domain", "Username", "Password"}


def test_a_profiles_file_keeps_all_but_what_it_said_of_joining():
    text = answerfile.joining(PROFILES, JOIN)
    assert identification(text)["JoinDomain"] == "corp.example.net"
    for kept in ("of the hoster", "<RegisteredOwner>Hoster<", 'wcm:action="add"', "oobeSystem"):
        assert kept in text
    assert "JoinWorkgroup" not in text
    # The same again changes nothing.
    assert identification(answerfile.joining(text, JOIN)) == identification(text)


def test_a_file_with_a_prefix_keeps_it():
    text = answerfile.joining(f'<x:unattend xmlns:x="{answerfile.NAMESPACE}"/>', JOIN)
    assert "<x:JoinDomain>" in text
    assert identification(text)["Username"] == "joiner"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<unattend><Password>An5wer", "no well-formed XML"),
        ("just text", "no well-formed XML"),
        ('<!DOCTYPE u [<!ENTITY e "x">]><unattend>&e;</unattend>', "document type"),
        ("<unattend>\ud800</unattend>", "no well-formed XML"),
        ("<answers/>", "first element is not unattend"),
    ],
)
def test_what_is_no_answer_file_is_refused_without_quoting_it(text, says):
    with pytest.raises(Invalid, match=says) as refused:
        answerfile.joining(text, JOIN, what="answer file unattend.xml")
    assert "answer file unattend.xml" in refused.value.message
    assert "An5wer" not in refused.value.message


def test_no_secret_is_in_a_joins_repr():
    assert "J0in" not in repr(JOIN)
