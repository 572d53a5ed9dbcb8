"""Commands while the app is on: the process that has the database open executes them.

The app listens on a socket next to the database, which no other user of the machine can open. A
command that finds the file locked sends its name and parameters there as one line of JSON; the app
calls the same function with its own ``Database`` and sends back what it prints, line by line.
See docs/decisions/2026-11-30-commands-while-the-app-is-on.md.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NoReturn, cast

import click

from db.connection import Database
from db.errors import DatabaseLockedError, DbError
from db.paths import home_dir

MAX_BYTES: Final = 16 * 2**20
_LONGEST_ADDRESS: Final = 100
"""Of the 108 bytes that the system takes."""
_STARTING_SECONDS: Final = 3.0
_log = logging.getLogger(__name__)


class NotAnsweredError(DbError):
    """The app that has the database open did not execute a command."""


class HandedOverError(Exception):
    """Not a failure: the app prepared something that the process which asked goes on with."""

    def __init__(self, value: str) -> None:
        super().__init__(value)
        self.value = value


@dataclass
class Asked:
    """A command that another process asked for."""

    database: Database
    say: Callable[[str, bool], None]
    handed_over: list[str] = field(default_factory=list)


_asked: Final[ContextVar[Asked | None]] = ContextVar("asked", default=None)


def asked_now() -> Asked | None:
    """Return the command of another process that is being executed here, if any."""
    return _asked.get()


def hand_over(value: str) -> bool:
    """Send a text to the process that asked; return whether another process did."""
    asked = _asked.get()
    if asked is not None:
        asked.handed_over.append(value)
    return asked is not None


def socket_path() -> Path:
    """Return where the app listens for commands."""
    return home_dir() / "commands.sock"


def ask_owner(error: DatabaseLockedError) -> NoReturn:
    """Ask the app to execute the current command, and end as it ended there.

    Raises:
        DatabaseLockedError: Nothing listens: the file is open in another program.
        NotAnsweredError: The app ended meanwhile.
        HandedOverError: It prepared something to go on with.
    """
    sent = json.dumps(_describe(click.get_current_context())).encode() + b"\n"
    with _connected(error) as connection, suppress(OSError, json.JSONDecodeError):
        connection.sendall(sent)
        with connection.makefile("r", encoding="utf-8") as answers:
            for line in answers:
                answer = json.loads(line)
                if "say" in answer:
                    click.echo(answer["say"], nl=False, err=answer["err"])
                elif answer["handed_over"]:
                    raise HandedOverError(answer["handed_over"][0])
                else:
                    raise click.exceptions.Exit(answer["exit"])
    raise NotAnsweredError(
        "The app that has the database open ended before it answered, so the command may or may "
        "not have been done. Look with `python -m db status`, then give it again."
    )


@contextmanager
def _connected(error: DatabaseLockedError) -> Iterator[socket.socket]:
    """Yield a connection to the app; one that has just started is waited for."""
    deadline = time.monotonic() + _STARTING_SECONDS
    while True:
        with socket.socket(socket.AF_UNIX) as connection, _address(socket_path()) as address:
            try:
                connection.connect(address)
            except OSError:
                if time.monotonic() > deadline:
                    raise error from None
            else:
                yield connection
                return
        time.sleep(0.2)


def _describe(context: click.Context) -> dict[str, Any]:
    """Return the names and the parameters of a command; each path as it is from anywhere."""
    names: list[str] = []
    root = context
    while root.parent is not None:
        names.insert(0, root.info_name or "")
        root = root.parent
    return {
        "program": _program(root.command),
        "command": names,
        "parameters": {
            name: str(value.absolute()) if isinstance(value, Path) else value
            for name, value in context.params.items()
        },
    }


def _program(group: click.Command) -> str:
    return (group.callback.__module__ if group.callback else "").partition(".")[0]


class Owner(socketserver.ThreadingUnixStreamServer):
    """Executes commands that other processes of the same user ask for."""

    daemon_threads = True

    def __init__(
        self,
        database: Callable[[], Database],
        groups: tuple[click.Group, ...],
        errors: tuple[type[Exception], ...],
        afterwards: Callable[[Database], None],
    ) -> None:
        """Start to listen.

        Args:
            database: Returns the database that this process has open.
            groups: Whose commands are executed.
            errors: What a user can correct.
            afterwards: Called after each command that did not fail.

        Raises:
            OSError: No socket can be made in the folder.
        """
        self.database, self.errors, self.afterwards = database, errors, afterwards
        self.groups: Mapping[str, click.Group] = {_program(group): group for group in groups}
        self.one_at_a_time = threading.Lock()
        self.path = socket_path()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.unlink(missing_ok=True)  # of a process that was killed
        with _address(self.path) as address:
            super().__init__(address, _Exchange, bind_and_activate=False)
            self.server_bind()
        self.path.chmod(0o600)  # before anyone is answered
        self.server_activate()

    def close(self) -> None:
        """Stop listening; a command that is being executed goes on."""
        self.shutdown()
        self.server_close()
        self.path.unlink(missing_ok=True)

    def execute(self, sent: Mapping[str, Any], say: Callable[[str, bool], None]) -> dict[str, Any]:
        """Execute a command and return how it ended."""
        asked = Asked(self.database(), say)
        token = _asked.set(asked)
        try:
            with self.one_at_a_time:
                self._call(sent)
                self.afterwards(asked.database)
        except click.exceptions.Exit as end:
            return _end(end.exit_code)
        except click.ClickException as error:
            say(f"Error: {error.format_message()}\n", True)
            return _end(error.exit_code)
        finally:
            _asked.reset(token)
        return _end(0, asked.handed_over)

    def _call(self, sent: Mapping[str, Any]) -> None:
        command: click.Command | None = self.groups.get(sent["program"])
        for name in sent["command"]:
            command = command.commands.get(name) if isinstance(command, click.Group) else None
        if command is None or command.callback is None or isinstance(command, click.Group):
            raise NotAnsweredError(
                f"The app knows no command {' '.join(sent['command'])!r}. It runs another version: "
                "restart it."
            )
        parameters = {name: _as_parsed(value) for name, value in dict(sent["parameters"]).items()}
        for parameter in command.params:
            name = parameter.name or ""
            if isinstance(parameter.type, click.Path) and parameters.get(name) is not None:
                parameters[name] = Path(parameters[name])
        command.callback(**parameters)


def _as_parsed(value: Any) -> Any:
    """Return what click gives for several values: tuples, which JSON has not."""
    return tuple(map(_as_parsed, value)) if isinstance(value, list) else value


def _end(code: int, handed_over: Sequence[str] = ()) -> dict[str, Any]:
    return {"exit": code, "handed_over": list(handed_over)}


class _Exchange(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        """Execute one command and send what it says; a client that has gone stops nothing."""
        owner = cast(Owner, self.server)
        try:
            sent = json.loads(self.rfile.readline(MAX_BYTES))
            end = owner.execute(sent, self._say)
        except owner.errors as error:
            self._say(f"Error: {error}\n", True)
            end = _end(1)
        except Exception as error:
            _log.exception("A command was not executed.")
            self._say(
                f"Error: the app failed ({type(error).__name__}); its log says where.\n", True
            )
            end = _end(1)
        self._send(end)

    def _say(self, text: str, is_error: bool) -> None:
        self._send({"say": text, "err": is_error})

    def _send(self, answer: Mapping[str, Any]) -> None:
        with suppress(OSError):
            self.wfile.write(json.dumps(answer).encode() + b"\n")


@contextmanager
def _address(path: Path) -> Iterator[str]:
    """Yield an address of a socket that is short enough, by way of its folder where it is not."""
    if len(os.fsencode(path)) <= _LONGEST_ADDRESS:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
