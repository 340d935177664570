"""Who may look at an address of the tenant site, and who may act there: the initials of people
(tests/site/tenant_world.py), "-" for none of them.

To act is to get the page again with its errors, or to be led on after something was written.
"""

from __future__ import annotations

_TOLD: dict[str, str] = {
    # Everybody's, each with what is theirs in it
    "abfdco abfdco": (
        "account account_change_password account_reauthenticate activity overview"
        " plan-subscribe ssh-keys"
    ),
    "abfdco -": (
        "account_confirm_login_code account_email account_set_password groups groups-export"
        " jobs keys machine-export machines mfa_activate_totp mfa_add_webauthn"
        " mfa_authenticate mfa_edit_webauthn mfa_generate_recovery_codes mfa_index"
        " mfa_list_webauthn mfa_login_webauthn mfa_reauthenticate mfa_reauthenticate_webauthn"
        " mfa_remove_webauthn plans schedules subscriptions team"
    ),
    # Only alice has another browser to sign out
    "abfdco a": "usersessions_list",
    # For coming in
    "nabfdco nabfdco": "account_reset_password account_reset_password_from_key invitation",
    # Who is in is led on
    "nabfdco n": "account_login account_signup",
    "nabfdco -": (
        "account_confirm_email account_email_verification_sent account_inactive"
        " account_logout account_reset_password_done account_reset_password_from_key_done"
    ),
    # Whoever sees the machine
    "abd -": (
        "group job machine machine-activity machine-checkpoints machine-commands"
        " machine-configure machine-disks machine-networks schedule"
    ),
    # Whoever may work with it
    "ab ab": (
        "adapter-change adapter-remove checkpoint-machine checkpoint-remove checkpoint-rename"
        " checkpoint-restore disk-grow disk-remove group-delete group-edit machine-bring-back"
        " machine-checkpoint machine-clone machine-delete machine-disk machine-insert"
        " machine-network machine-rebuild machine-rescue machine-store schedule-delete"
        " schedule-edit"
    ),
    "ab -": "machine-connect",
    "- ab": (
        "group-order group-run job-cancel job-resume machine-eject machine-end machine-operate"
        " machine-protect machine-resume machine-size machine-tags machine-words"
        " schedule-switch"
    ),
    # The team's
    "abfd -": "subscription subscription-use",
    # Of members of any tenant
    "abfdc -": "roles",
    "abfdc abfdc": "key-new",
    # The last Tenant Admin of a tenant cannot leave it
    "abfdc bfd": "team-leave",
    # Of whoever may make something anywhere; olga, without a tenant, is told so
    "abfc abfc": "group-new groups-import schedule-new",
    "abfco -": "machine-new",
    "abfco abfco": "machine-quick",
    "- abfco": "machine-custom",
    # A Tenant Admin's, or a person's own
    "a a": (
        "machine-draft member member-remove role subscription-add-ons subscription-leave"
        " subscription-rename"
    ),
    "a -": "machine-selected-result",
    "- a": (
        "invitation-again invitation-withdraw key-revoke machine-draft-discard role-delete"
        " session-end ssh-key-remove subscription-add-on-drop"
    ),
    "ac ac": "role-new team-invite",
    "- ac": "team-settings",
    # Nothing to look at, and nothing to do in this state of things
    "- -": (
        "group-resume machine-rescue-end machine-selected mfa_deactivate_totp"
        " mfa_download_recovery_codes mfa_view_recovery_codes subscription-leave-resume"
        " subscription-retry theme"
    ),
}
ROUTES = {name: told for told, names in _TOLD.items() for name in names.split()}
# About something that is not alice's: a public plan, one's own passkey.
NOT_ALICES = ("plan-subscribe", "mfa_edit_webauthn", "mfa_remove_webauthn")
