"""What every story of this client shares: the client, and how a refusal is expected."""

import json
import os
import socket

import hvac

ADDRESS = os.environ["VAULT_ADDR"]


def client(token=None):
    """A client of the server under test; root when no token is given, nobody with ""."""
    return hvac.Client(url=ADDRESS, token=os.environ.get("VAULT_TOKEN") if token is None else token)


def refused(kind, call, *arguments, text="", **named):
    """Checks that the call ends in this exception, with this text in it."""
    try:
        answer = call(*arguments, **named)
    except kind as error:
        assert text in str(error), f"{text!r} is not in {error!s}"
        return error
    raise AssertionError(f"{kind.__name__} was expected; the answer is {answer!r}")


def logs_in(username, password):
    """Whether the story's database lets this login in, by who stands there (tests/clients/database.rs)."""
    host, port = os.environ["STORY_LOGINS"].split(":")
    with socket.create_connection((host, int(port))) as connection:
        question = json.dumps({"username": username, "password": password}) + "\n"
        connection.sendall(question.encode())
        return connection.makefile().readline() == "in\n"


def status(answer, wanted):
    """Checks an answer without a body."""
    assert getattr(answer, "status_code", None) == wanted, f"{wanted} was expected: {answer!r}"
