"""`tams admin user|client|token`: who may ask, in the file that TAMS_CREDENTIALS names."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tams.cli.configuration import configured_credentials
from tams.domain.access import Scope, Scopes
from tams.errors import BadSettings, Invalid

if TYPE_CHECKING:
    from tams.services.credentials import Account, KeptToken, Kind

Name = Annotated[str, typer.Argument(help="The name, which `created_by` shows.")]
ScopeNames = Annotated[
    list[str],
    typer.Option("--scope", metavar="SCOPE", help="admin, read, write or delete; repeat for more."),
]
FromStdin = Annotated[
    bool, typer.Option("--stdin", help="Read the password from the first line of standard input.")
]

users = typer.Typer(help="Users, who come by Basic.", no_args_is_help=True)
clients = typer.Typer(help="Clients, who ask /token for tokens.", no_args_is_help=True)
tokens = typer.Typer(help="Tokens that the file itself makes good.", no_args_is_help=True)


@users.command("add")
def add_user(name: Name, scope: ScopeNames, *, stdin: FromStdin = False) -> None:
    """Add a user; the password is asked for, and not shown."""
    password = _from_stdin() if stdin else _asked()
    _add("users", name, lambda: _account(scope, password))


@clients.command("add")
def add_client(name: Name, scope: ScopeNames, *, stdin: FromStdin = False) -> None:
    """Add a client; its secret is made, and shown this once, unless it comes by --stdin."""
    from tams.services.credentials import new_secret

    secret = _from_stdin() if stdin else new_secret()
    _add("clients", name, lambda: _account(scope, secret))
    if not stdin:
        typer.echo(secret)


@tokens.command("add")
def add_token(
    name: Name,
    scope: ScopeNames,
    days: Annotated[
        int | None,
        typer.Option(min=1, max=36500, help="For how long it is good; for ever if not given."),
    ] = None,
) -> None:
    """Add a token, which is made, and shown this once."""
    from tams.services.credentials import KeptToken, new_secret, token_hash

    token = new_secret()
    expires = None if days is None else datetime.now(UTC) + timedelta(days=days)
    _add("tokens", name, lambda: KeptToken(_scopes(scope), token_hash(token), expires))
    typer.echo(token)


@users.command("remove")
def remove_user(name: Name) -> None:
    """Remove a user; a running server lets them in for a second more at most."""
    _remove("users", name)


@clients.command("remove")
def remove_client(name: Name) -> None:
    """Remove a client; a token that it has already stays good until it expires."""
    _remove("clients", name)


@tokens.command("remove")
def remove_token(name: Name) -> None:
    """Remove a token; a running server takes it for a second more at most."""
    _remove("tokens", name)


@users.command("list")
def list_users() -> None:
    """List the users and their scopes."""
    _list("users")


@clients.command("list")
def list_clients() -> None:
    """List the clients and their scopes."""
    _list("clients")


@tokens.command("list")
def list_tokens() -> None:
    """List the tokens by name, their scopes, and until when they are good."""
    _list("tokens")


def _file() -> Path:
    named = configured_credentials()
    if not named:
        raise BadSettings("TAMS_CREDENTIALS: it must name the file that holds the credentials")
    return Path(named)


def _add(kind: Kind, name: str, account: Callable[[], Account | KeptToken]) -> None:
    from tams.services.credentials import change_credentials

    change_credentials(_file(), lambda old: old.added(kind, name, account()))


def _remove(kind: Kind, name: str) -> None:
    from tams.services.credentials import change_credentials

    change_credentials(_file(), lambda old: old.removed(kind, name))


def _list(kind: Kind) -> None:
    from tams.services.credentials import read_credentials

    for name, account in sorted(read_credentials(_file()).of_kind(kind).items()):
        words = " ".join(sorted(scope.name.lower() for scope in account.scopes))
        expires = getattr(account, "expires", None)
        until = "" if expires is None else f"  until {expires.isoformat(timespec='seconds')}"
        typer.echo(f"{name}  {words}{until}")


def _account(scopes: list[str], password: str) -> Account:
    from tams.services.credentials import Account
    from tams.services.passwords import HashedPassword

    return Account(_scopes(scopes), str(HashedPassword.of(password)))


def _scopes(words: list[str]) -> Scopes:
    known = {scope.name.lower(): scope for scope in Scope}
    for word in words:
        if word not in known:
            raise Invalid("--scope", word, f"it must be one of {', '.join(known)}")
    return frozenset(known[word] for word in words)


def _asked() -> str:
    password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return password


def _from_stdin() -> str:
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise Invalid("--stdin", "an empty line", "the first line must be the password")
    return password
