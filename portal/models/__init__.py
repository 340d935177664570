from portal.models.draft import Draft
from portal.models.notice import Notice
from portal.models.sent_form import SentForm
from portal.models.ssh_key import SshKey

__all__ = ["Draft", "Notice", "SentForm", "SshKey"]
