"""Mail: into a folder, or to a mail server that may say no, or not be there."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from email import message_from_bytes, policy
from typing import TYPE_CHECKING

import pytest

from common.mail import mailer
from common.mail.postbox import Folder, Server, open_postbox
from common.sweeps import SWEEPER
from legacy.app import create_app
from legacy.login_router import SWEEPS

if TYPE_CHECKING:
    from aiohttp import web

SEND = next(sweep.step for sweep in SWEEPS if sweep.name == "send mail")


@dataclass
class MailServer:
    """As much of RFC 5321 as a delivery needs; `refuse` maps a recipient to the answer it gets."""

    refuse: dict[str, str] = field(default_factory=dict)
    received: list[bytes] = field(default_factory=list)
    port: int = 0

    async def talk(self, reader, writer):
        writer.write(b"220 ready\r\n")
        while line := await reader.readline():
            command = line.decode().strip()
            verb = command.upper()
            if verb == "DATA":
                writer.write(b"354 go on\r\n")
                self.received.append((await reader.readuntil(b"\r\n.\r\n"))[:-5])
                writer.write(b"250 taken\r\n")
            elif verb == "QUIT":
                writer.write(b"221 bye\r\n")
                break
            elif verb.startswith("RCPT"):
                recipient = command.partition("<")[2].partition(">")[0]
                writer.write(self.refuse.get(recipient, "250 ok").encode() + b"\r\n")
            else:
                writer.write(b"250 ok\r\n")
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    @asynccontextmanager
    async def running(self):
        server = await asyncio.start_server(self.talk, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            await server.wait_closed()


@pytest.fixture
def mail_server():
    return MailServer()


@pytest.fixture
def app_with(aiohttp_client, config):
    async def make(mail_url: str) -> web.Application:
        app = create_app(replace(config, mail_url=mail_url))
        app.cleanup_ctx.remove(app[SWEEPER].run)
        return (await aiohttp_client(app)).app

    return make


async def queue(pool, recipient="asha@example.org", subject="Your seat", body="12A\n"):
    async with pool.acquire() as conn, conn.transaction():
        await mailer.queue(conn, recipient, subject, body)


class TestFolder:
    async def test_a_mail_is_a_file_that_a_mail_program_reads(self, client, pool, tmp_path):
        await queue(pool, subject="आपकी सीट\r\nBcc: evil@example.org", body="नमस्ते\n")
        assert await SEND(client.app) == 1
        (path,) = (tmp_path / "mail").glob("*.eml")
        message = message_from_bytes(path.read_bytes(), policy=policy.default)
        assert message["To"] == "asha@example.org"
        assert message["From"] == "Banyan <tickets@banyan.example>"
        assert message["Subject"] == "आपकी सीट Bcc: evil@example.org"
        assert message["Bcc"] is None
        assert message["Message-ID"].endswith("@banyan.test>")
        assert message.get_content().strip() == "नमस्ते"

    async def test_what_was_sent_is_sent_once_and_its_text_is_not_kept(self, client, pool, tmp_path):
        await queue(pool)
        await asyncio.gather(*(SEND(client.app) for _ in range(4)))
        assert len(list((tmp_path / "mail").glob("*.eml"))) == 1
        assert await SEND(client.app) == 0
        sent = await pool.fetchrow("SELECT body, sent_at FROM mails")
        assert sent["body"] == ""
        assert sent["sent_at"] is not None

    async def test_a_mail_of_a_transaction_that_was_rolled_back_is_never_sent(self, client, pool):
        async with pool.acquire() as conn:
            work = conn.transaction()
            await work.start()
            await mailer.queue(conn, "asha@example.org", "Never", "never")
            await work.rollback()
        assert await SEND(client.app) == 0


class TestServer:
    async def test_a_mail_is_handed_over(self, app_with, mail_server, pool):
        async with mail_server.running():
            app = await app_with(f"smtp://127.0.0.1:{mail_server.port}")
            await queue(pool)
            assert await SEND(app) == 1
        message = message_from_bytes(mail_server.received[0], policy=policy.default)
        assert message["To"] == "asha@example.org"
        assert message.get_content().strip() == "12A"

    async def test_while_the_server_is_away_mail_waits_and_then_goes(self, app_with, mail_server, pool):
        async with mail_server.running():
            pass
        app = await app_with(f"smtp://127.0.0.1:{mail_server.port}")
        await queue(pool)
        assert await SEND(app) == 1
        waiting = await pool.fetchrow(
            "SELECT sent_at, attempts, last_error, next_at > now() AS later FROM mails"
        )
        assert waiting["sent_at"] is None
        assert waiting["attempts"] == 1
        assert waiting["later"]
        assert "Connect" in waiting["last_error"]
        async with mail_server.running():
            await pool.execute("UPDATE mails SET next_at = now()")
            assert await SEND(app) == 1
        assert len(mail_server.received) == 1

    async def test_a_recipient_whom_the_server_does_not_know_is_not_tried_again(
        self, app_with, mail_server, pool
    ):
        mail_server.refuse["gone@example.org"] = "550 no such user"
        async with mail_server.running():
            app = await app_with(f"smtp://127.0.0.1:{mail_server.port}")
            await queue(pool, "gone@example.org")
            await queue(pool)
            await SEND(app)
            await pool.execute("UPDATE mails SET next_at = next_at - interval '2 hours'")
            assert await SEND(app) == 0
        assert len(mail_server.received) == 1
        assert "550" in await pool.fetchval("SELECT last_error FROM mails WHERE sent_at IS NULL")

    async def test_a_server_that_is_busy_is_asked_again(self, app_with, mail_server, pool):
        mail_server.refuse["asha@example.org"] = "451 later, please"
        async with mail_server.running():
            app = await app_with(f"smtp://127.0.0.1:{mail_server.port}")
            await queue(pool)
            await SEND(app)
            assert await pool.fetchval("SELECT next_at < now() + interval '1 hour' FROM mails")

    async def test_after_many_attempts_it_is_given_up(self, app_with, mail_server, pool):
        mail_server.refuse["asha@example.org"] = "451 later, please"
        async with mail_server.running():
            app = await app_with(f"smtp://127.0.0.1:{mail_server.port}")
            await queue(pool)
            await pool.execute("UPDATE mails SET attempts = 14")
            await SEND(app)
        assert await pool.fetchval("SELECT next_at = 'infinity' AND sent_at IS NULL FROM mails")


class TestAddresses:
    def test_a_url_names_a_folder_or_a_server(self):
        assert isinstance(open_postbox("file:///var/mail/out"), Folder)
        server = open_postbox("smtp://me%40x:p%2Fw@mail.example:587?starttls=always")
        assert server == Server("mail.example", 587, "me@x", "p/w", use_tls=False, start_tls=True)
        assert open_postbox("smtps://mail.example") == Server(
            "mail.example", 465, None, None, use_tls=True, start_tls=False
        )

    @pytest.mark.parametrize("url", ["http://mail.example", "smtp:///x", "smtp://x?starttls=perhaps"])
    def test_anything_else_is_refused_at_start(self, url):
        with pytest.raises(ValueError, match=r"postbox|starttls"):
            open_postbox(url)
