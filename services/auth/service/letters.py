"""What the mails about accounts say, in the language of whoever gets them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from common.web.i18n import Languages


def password_reset(user: Mapping[str, Any], link: str, languages: Languages) -> tuple[str, str]:
    """Subject and text of the mail with the link."""
    _ = _texts(user, languages)
    body = _(
        "Hello %(name)s,\n\n"
        "somebody, hopefully you, wants to set a new password for your account with Banyan. "
        "This link lets you do it, once and within 30 minutes:\n\n"
        "%(link)s\n\n"
        "If it was not you, nothing needs to be done: your password stays as it is."
    )
    return _("Set a new password"), body % {"name": user["full_name"], "link": link} + "\n"


def password_changed(user: Mapping[str, Any], languages: Languages) -> tuple[str, str]:
    """Subject and text of the mail that tells the owner, in case it was somebody else."""
    _ = _texts(user, languages)
    body = _(
        "Hello %(name)s,\n\n"
        "the password of your account with Banyan has been changed, and everybody has been logged out.\n\n"
        'If it was not you, please ask for a new password at once, with "Forgot the password?" on the '
        "login page."
    )
    return _("Your password has been changed"), body % {"name": user["full_name"]} + "\n"


def _texts(user: Mapping[str, Any], languages: Languages) -> Callable[[str], str]:
    return (languages.get(user["locale"]) or languages.first).gettext
