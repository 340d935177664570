"""SSH keys of the account: kept, refused, taken out, and nobody else's."""

from __future__ import annotations

from django.urls import reverse

from portal.models import SshKey
from tests.site.tenant.visitor import errors

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"


def test_a_key_is_kept_by_its_comment_or_a_name(as_alice, alice) -> None:
    answer = as_alice.post(reverse("ssh-keys"), {"text": f"{KEY} alice@laptop"})
    assert answer.url == reverse("ssh-keys")
    key = SshKey.objects.get(user=alice)
    assert (key.name, key.kind) == ("alice@laptop", "ssh-ed25519")
    assert key.fingerprint in as_alice.get(reverse("ssh-keys")).text


def test_the_same_key_twice_is_refused_at_the_field(as_alice) -> None:
    as_alice.post(reverse("ssh-keys"), {"text": f"{KEY} first"})
    page = as_alice.post(reverse("ssh-keys"), {"text": f"{KEY} second"})
    assert "already" in errors(page)["text"][0]


def test_a_private_key_is_refused_and_not_sent_back(as_alice) -> None:
    pasted = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n"
    page = as_alice.post(reverse("ssh-keys"), {"text": pasted})
    assert "private key" in errors(page)["text"][0]
    assert "b3BlbnNzaC1rZXktdjEAAAAA" not in page.text
    assert not SshKey.objects.exists()


def test_taken_out_it_is_gone(as_alice, alice) -> None:
    as_alice.post(reverse("ssh-keys"), {"text": KEY})
    as_alice.post(reverse("ssh-key-remove", args=[SshKey.objects.get().pk]))
    assert not SshKey.objects.exists()


def test_nobody_elses_key_is_there(as_alice, charlie, bob, sign_in) -> None:
    as_alice.post(reverse("ssh-keys"), {"text": f"{KEY} alice@laptop"})
    key = SshKey.objects.get()
    for person in (bob, charlie):
        assert "alice@laptop" not in sign_in(person).get(reverse("ssh-keys")).text
        answer = sign_in(person).post(reverse("ssh-key-remove", args=[key.pk]))
        assert answer.status_code == 404
    assert SshKey.objects.exists()
