"""What is remembered of credentials and for how long, and the keys of issuers as they rotate."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest

from tams.domain.access import Principal, Scope
from tams.errors import BadSettings, Busy, Unauthenticated
from tams.services.authentication import Authentication
from tams.services.credentials import (
    Account,
    CredentialsFile,
    KeptToken,
    change_credentials,
    token_hash,
)
from tams.services.issuers import Issuer as IssuerKeys
from tams.services.passwords import HashedPassword
from tams.services.tokens import SharedSecret, TokenVerifier
from tests.authority import (
    AUDIENCE,
    CHEAP,
    ISSUER,
    KEPT_TOKEN,
    PASSWORD,
    SECRET,
    issuing,
    token,
    write_credentials,
)

READER = Principal("read", frozenset({Scope.READ}))


class Clock:
    """The moment when the test began, put forward as it asks."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)
        self.seconds = 0.0

    def __call__(self) -> datetime:
        return self.now

    def elapsed(self) -> float:
        return self.seconds

    def passes(self, **time: float) -> None:
        self.now += timedelta(**time)
        self.seconds += timedelta(**time).total_seconds()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "credentials.json"
    write_credentials(path)
    return path


@pytest.fixture
def authentication(file, clock):
    verifier = TokenVerifier({ISSUER: SharedSecret(SECRET)}, [AUDIENCE], clock)
    return Authentication(verifier, CredentialsFile(file), None, clock, clock.elapsed)


class Kept(NamedTuple):
    """Verifies tokens of one issuer, as a server does."""

    verifier: TokenVerifier
    clock: Clock


@asynccontextmanager
async def trusting():
    """An issuer, and what verifies its tokens."""
    clock = Clock()
    async with issuing() as issuer:
        verifier = TokenVerifier({issuer.url: IssuerKeys(issuer.url, clock)}, [AUDIENCE], clock)
        yield issuer, Kept(verifier, clock)


async def test_a_removed_user_is_out_within_a_second(authentication, file, clock):
    assert await authentication.of_user("read", PASSWORD) == READER
    change_credentials(file, lambda old: old.removed("users", "read"))
    clock.passes(seconds=1)
    with pytest.raises(Unauthenticated, match="name or password is wrong"):
        await authentication.of_user("read", PASSWORD)


async def test_a_changed_scope_counts_within_a_second(authentication, file, clock):
    await authentication.of_user("read", PASSWORD)
    both = Account(frozenset({Scope.READ, Scope.WRITE}), str(HashedPassword.of(PASSWORD, CHEAP)))
    change_credentials(file, lambda old: old.removed("users", "read").added("users", "read", both))
    clock.passes(seconds=1)
    assert (await authentication.of_user("read", PASSWORD)).scopes == both.scopes


async def test_a_removed_token_is_out_within_a_second(authentication, file, clock):
    assert (await authentication.of_token(KEPT_TOKEN)).name == "kept"
    change_credentials(file, lambda old: old.removed("tokens", "kept"))
    clock.passes(seconds=1)
    with pytest.raises(Unauthenticated, match="it is not valid here"):
        await authentication.of_token(KEPT_TOKEN)


async def test_a_clock_that_is_put_back_keeps_nobody_in(authentication, file, clock):
    assert (await authentication.of_token(KEPT_TOKEN)).name == "kept"
    assert await authentication.of_user("read", PASSWORD) == READER
    clock.now -= timedelta(days=1)
    change_credentials(file, lambda old: old.removed("tokens", "kept").removed("users", "read"))
    clock.passes(seconds=1)
    with pytest.raises(Unauthenticated):
        await authentication.of_token(KEPT_TOKEN)
    with pytest.raises(Unauthenticated):
        await authentication.of_user("read", PASSWORD)


async def test_a_clock_that_is_put_back_keeps_nothing_remembered(authentication, clock):
    good = token(exp=int(clock.now.timestamp()) + 10**6)
    await authentication.of_token(good)
    clock.now -= timedelta(days=1)
    clock.passes(minutes=6)
    authentication._verifier = TokenVerifier({}, [AUDIENCE], clock)
    with pytest.raises(Unauthenticated):
        await authentication.of_token(good)


async def test_a_kept_token_ends(authentication, file, clock):
    ends = KeptToken(READER.scopes, token_hash("short"), clock.now + timedelta(seconds=10))
    change_credentials(file, lambda old: old.added("tokens", "short", ends))
    assert (await authentication.of_token("short")).name == "short"
    clock.passes(seconds=9)
    assert (await authentication.of_token("short")).name == "short"
    clock.passes(seconds=1)
    with pytest.raises(Unauthenticated, match="it has expired"):
        await authentication.of_token("short")


async def test_a_remembered_token_ends_when_it_says(authentication, clock):
    short = token(exp=int(clock.now.timestamp()) + 60)
    await authentication.of_token(short)
    clock.passes(seconds=60)
    await authentication.of_token(short)
    clock.passes(seconds=11)
    with pytest.raises(Unauthenticated, match="it has expired"):
        await authentication.of_token(short)


async def test_what_is_remembered_is_no_secret_and_has_an_end(authentication):
    good = token()
    await authentication.of_token(good)
    for number in range(4095):
        authentication._remember(number.to_bytes(32), READER, 0.0)
    assert len(authentication._known) == 4096
    await authentication.of_user("read", PASSWORD)
    assert len(authentication._known) == 4096
    kept = repr(authentication._known)
    assert PASSWORD not in kept
    assert good not in kept


async def test_a_password_is_tried_once_while_it_is_remembered(authentication, clock, monkeypatch):
    tried = []
    matches = HashedPassword.matches

    def counted(kept: HashedPassword, password: str) -> bool:
        tried.append(kept)
        return matches(kept, password)

    monkeypatch.setattr(HashedPassword, "matches", counted)
    for _ in range(3):
        await authentication.of_user("read", PASSWORD)
    assert len(tried) == 1
    clock.passes(seconds=61)
    await authentication.of_user("read", PASSWORD)
    assert len(tried) == 2
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await authentication.of_user("nobody", PASSWORD)
    assert len(tried) == 4


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{",
        '{"people": {}}',
        '{"users": []}',
        '{"users": {"ada": {"scopes": ["tams-api/read"]}}}',
        '{"users": {"ada": {"scopes": ["everything"], "hash": "scrypt$2$1$1$YQ==$YQ=="}}}',
        '{"users": {"ada": {"scopes": [], "hash": "a password"}}}',
        '{"users": {"ada": {"scopes": [], "hash": "scrypt$1073741824$8$1$YQ==$YQ=="}}}',
        '{"users": {"ada": {"scopes": [], "hash": "md5$2$1$1$YQ==$YQ=="}}}',
        '{"users": {"a:b": {"scopes": [], "hash": "scrypt$2$1$1$YQ==$YQ=="}}}',
        '{"tokens": {"t": {"scopes": [], "hash": "x", "expires": "2030-01-01T00:00:00"}}}',
    ],
)
async def test_a_file_that_cannot_be_meant_lets_nobody_in(file, clock, authentication, content):
    await authentication.of_user("read", PASSWORD)
    file.write_text(content)
    with pytest.raises(BadSettings, match=r"TAMS_CREDENTIALS: .*credentials\.json: "):
        CredentialsFile(file).refresh()
    clock.passes(seconds=1)
    for _ in range(2):
        with pytest.raises(Busy, match="they cannot be checked") as refusal:
            await authentication.of_user("read", PASSWORD)
        assert str(file) not in str(refusal.value)
    write_credentials(file.with_name("again.json"))
    file.with_name("again.json").replace(file)
    assert await authentication.of_user("read", PASSWORD) == READER


async def test_a_file_that_is_gone_lets_nobody_in(file, clock, authentication):
    await authentication.of_token(KEPT_TOKEN)
    file.unlink()
    clock.passes(seconds=1)
    with pytest.raises(Busy):
        await authentication.of_token(KEPT_TOKEN)


async def test_keys_are_fetched_once_and_kept():
    async with trusting() as (issuer, (verifier, clock)):
        good = issuer.token("first")
        await asyncio.gather(*(verifier.verify(good) for _ in range(20)))
        assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]
        clock.passes(minutes=9)
        await verifier.verify(good)
        assert len(issuer.asked) == 2
        clock.passes(minutes=2)
        await verifier.verify(good)
        assert len(issuer.asked) == 4


async def test_a_new_key_is_found_and_an_old_one_forgotten():
    async with trusting() as (issuer, (verifier, clock)):
        old = issuer.token("first")
        await verifier.verify(old)
        del issuer.keys["first"]
        issuer.add("second", "EC")
        clock.passes(seconds=11)
        verified = await verifier.verify(issuer.token("second", "ES256", sub="grace"))
        assert verified.principal == Principal("grace", frozenset({Scope.ADMIN}))
        with pytest.raises(Unauthenticated, match="no key of that id"):
            await verifier.verify(old)


async def test_unheard_of_keys_do_not_make_us_ask_without_end():
    async with trusting() as (issuer, (verifier, clock)):
        issuer.add("hidden")
        hidden = issuer.token("hidden")
        key = issuer.keys.pop("hidden")
        for _ in range(10):
            with pytest.raises(Unauthenticated):
                await verifier.verify(hidden)
        assert len(issuer.asked) == 2
        issuer.keys["hidden"] = key
        clock.passes(seconds=10)
        await verifier.verify(hidden)
        assert len(issuer.asked) == 4


async def test_an_issuer_that_is_away_for_a_while():
    async with trusting() as (issuer, (verifier, clock)):
        good = issuer.token("first", exp=int(clock.now.timestamp()) + 1_000_000)
        await verifier.verify(good)
        issuer.answers = False
        clock.passes(hours=23)
        await verifier.verify(good)
        clock.passes(hours=2)
        with pytest.raises(Busy, match="does not answer"):
            await verifier.verify(good)
        issuer.answers = True
        clock.passes(seconds=10)
        await verifier.verify(good)


async def test_an_issuer_that_never_answered():
    async with trusting() as (issuer, (verifier, clock)):
        issuer.answers = False
        for _ in range(3):
            with pytest.raises(Busy):
                await verifier.verify(issuer.token("first"))
        assert len(issuer.asked) == 1
        clock.passes(seconds=10)
        issuer.answers = True
        await verifier.verify(issuer.token("first"))


async def test_discovery_that_speaks_for_another_is_not_believed():
    async with trusting() as (issuer, (verifier, _)):
        issuer.named = "https://elsewhere.example"
        with pytest.raises(Busy):
            await verifier.verify(issuer.token("first"))


async def test_a_token_without_key_id_needs_an_issuer_with_one_key():
    async with trusting() as (issuer, (verifier, clock)):
        plain = issuer.token("first", names_key=False)
        await verifier.verify(plain)
        issuer.add("second")
        clock.passes(minutes=11)
        with pytest.raises(Unauthenticated):
            await verifier.verify(plain)


def test_the_hash_of_a_password_is_salted_and_read_back():
    one, other = HashedPassword.of(PASSWORD, CHEAP), HashedPassword.of(PASSWORD, CHEAP)
    assert str(one) != str(other)
    assert HashedPassword.parse(str(one)) == one
    assert one.matches(PASSWORD)
    assert not one.matches(PASSWORD.upper())
