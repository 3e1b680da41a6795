"""A mail server for tests: aiosmtpd on a free port of 127.0.0.1, with TLS and a user, that keeps what it takes.

    server.py starttls|smtps|plain FOLDER

FOLDER has server.crt and server.key. Written there: `port`, once it listens; a line of JSON in `came` for each mail, as
Python's own mail parser understands it; a line in `logins` for each attempt to log in. Read there: `answers`, of which the
first line is what the next mail is answered with.
"""

import asyncio
import email
import email.policy
import json
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

USER, PASSWORD = b"vault", b"p\xc3\xa4ss word"


class Handler:
    def __init__(self, folder):
        self.folder = folder

    def answer(self):
        file = self.folder / "answers"
        lines = file.read_text().splitlines() if file.exists() else []
        file.write_text("".join(line + "\n" for line in lines[1:]))
        return lines[0] if lines else "250 OK"

    async def handle_DATA(self, server, session, envelope):
        answer = self.answer()
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        came = {
            "answer": answer,
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "encrypted": session.ssl is not None or server.transport.get_extra_info("sslcontext") is not None,
            "authenticated": bool(session.authenticated),
            "headers": {name.lower(): str(value) for name, value in mail.items()},
            "defects": [str(defect) for defect in mail.defects],
            "text": mail.get_content(),
        }
        with open(self.folder / "came", "a") as file:
            file.write(json.dumps(came) + "\n")
        return answer


def authenticator(folder):
    def check(server, session, envelope, mechanism, auth_data):
        is_right = isinstance(auth_data, LoginPassword) and (auth_data.login, auth_data.password) == (USER, PASSWORD)
        with open(folder / "logins", "a") as file:
            file.write(("right" if is_right else "wrong") + "\n")
        return AuthResult(success=is_right, handled=is_right)

    return check


async def main(mode, folder):
    context = None
    if mode != "plain":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.crt", folder / "server.key")
    settings = {}
    if mode != "plain":
        settings = {"authenticator": authenticator(folder), "auth_required": True}
    if mode == "starttls":
        settings |= {"tls_context": context, "require_starttls": True}
    if mode == "smtps":
        # The library takes only STARTTLS for encryption here.
        settings |= {"auth_require_tls": False}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(Handler(folder), hostname="localhost", loop=loop, **settings),
        "127.0.0.1",
        0,
        ssl=context if mode == "smtps" else None,
    )
    (folder / "port").write_text(str(server.sockets[0].getsockname()[1]))
    print("listening", flush=True)
    await server.serve_forever()


asyncio.run(main(sys.argv[1], pathlib.Path(sys.argv[2])))
