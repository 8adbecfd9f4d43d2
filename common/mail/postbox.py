"""Where mails leave: a folder of .eml files (for development and tests), or a mail server by SMTP.

Chosen by the URL: ``file:///var/mail/out``, ``smtp://user:password@host:587`` (STARTTLS where the server has
it; ``?starttls=never`` or ``=always``), ``smtps://host:465``.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT_S: Final = 20
_STARTTLS: Final[Mapping[str, bool | None]] = {"never": False, "always": True, "auto": None}


class Undeliverable(Exception):  # ruff: ignore[error-suffix-on-exception-name] — the fact
    """The mail will not be taken, however often it is tried."""


class Postbox(Protocol):
    """Somewhere to put mail."""

    async def post(self, message: EmailMessage, name: str) -> None:
        """Raises Undeliverable, or anything else for what is worth trying again."""


POSTBOX: Final = web.AppKey("postbox", Postbox)


def open_postbox(url: str) -> Postbox:
    """The postbox of the URL; raises ValueError for one that cannot be."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return Folder(Path(unquote(parts.path)))
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise ValueError(f"{parts.scheme}:// is no address of a postbox")
    starttls = parse_qs(parts.query).get("starttls", ["auto"])[-1]
    if starttls not in _STARTTLS:
        raise ValueError(f"starttls={starttls}: never, always or auto")
    is_tls = parts.scheme == "smtps"
    return Server(
        host=parts.hostname,
        port=parts.port or (465 if is_tls else 25),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        use_tls=is_tls,
        start_tls=False if is_tls else _STARTTLS[starttls],
    )


def write_message(mail: Mapping[str, Any], sender: str, host: str) -> EmailMessage:
    """The mail as it is sent; raises Undeliverable for addresses that cannot stand in a header."""
    message = EmailMessage(policy=SMTP)
    try:
        message["From"] = sender
        message["To"] = mail["recipient"]
        message["Subject"] = mail["subject"]
    except ValueError as error:
        raise Undeliverable(str(error)) from error
    message["Date"] = format_datetime(mail["created_at"])
    message["Message-ID"] = f"<{mail['id']}@{host}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday notices, please
    message.set_content(mail["body"])
    return message


@dataclass(frozen=True, slots=True)
class Folder:
    """Each mail is a file, there as a whole or not at all."""

    path: Path

    async def post(self, message: EmailMessage, name: str) -> None:
        await asyncio.to_thread(self._write, bytes(message), name)

    def _write(self, content: bytes, name: str) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        unfinished = self.path / f".{name}"
        unfinished.write_bytes(content)
        unfinished.replace(self.path / f"{name}.eml")


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server; its answer in the 500s is its last word."""

    host: str
    port: int
    username: str | None
    password: str | None
    use_tls: bool
    start_tls: bool | None

    async def post(self, message: EmailMessage, name: str) -> None:  # ruff: ignore[unused-method-argument] — a folder's
        client = aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            username=self.username,
            password=self.password,
            use_tls=self.use_tls,
            start_tls=self.start_tls,
            timeout=TIMEOUT_S,
        )
        try:
            async with client:
                await client.send_message(message)
        except aiosmtplib.SMTPRecipientsRefused as error:
            if all(500 <= refused.code < 600 for refused in error.recipients):
                raise Undeliverable(str(error)) from error
            raise
        except aiosmtplib.SMTPNotSupported as error:
            raise Undeliverable(str(error)) from error
        except (aiosmtplib.SMTPSenderRefused, aiosmtplib.SMTPDataError) as error:
            if 500 <= error.code < 600:
                raise Undeliverable(str(error)) from error
            raise
