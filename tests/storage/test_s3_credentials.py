"""By whose credentials S3 storage asks: found, renewed, and refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from tams.errors import BadSettings
from tams.storage.credentials import AwsCredentials
from tests.ceph import Gateway
from tests.storage.conftest import s3_storage, service


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No credentials around, wherever they might be."""
    for name, value in Gateway("").environment.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    return


@pytest.mark.usefixtures("nobody")
async def test_missing_credentials_stop_the_start() -> None:
    for query, told in (("", "none were found; set AWS_ACC"), ("&profile=other", "other")):
        storage = s3_storage(f"s3://media?endpoint=http://127.0.0.1:1{query}")
        with pytest.raises(BadSettings, match=f"storage backend s3: S3 credentials: .*{told}"):
            await storage.open()
        await storage.close()


@pytest.mark.usefixtures("nobody")
async def test_credentials_are_renewed_before_they_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    config.write_text(f"[profile facility]\ncredential_process = cat {tmp_path}/now.json\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))

    def now_are(number: int, minutes: int) -> None:
        content = {
            "Version": 1,
            "AccessKeyId": f"key {number}",
            "SecretAccessKey": "secret",
            "SessionToken": f"token {number}",
            "Expiration": (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat(),
        }
        (tmp_path / "now.json").write_text(json.dumps(content))

    now_are(1, minutes=12)
    credentials = AwsCredentials("facility", url_lifetime=3600)
    await credentials.open()
    assert credentials.current() == ("key 1", "secret", "token 1")
    now_are(2, minutes=600)
    await credentials.refresh()
    assert credentials.current() == ("key 2", "secret", "token 2")
    now_are(3, minutes=600)
    await credentials.refresh()
    assert credentials.current().token == "token 2"
    given = credentials.provide()
    assert (given["access_key_id"], given["token"]) == ("key 2", "token 2")
    assert given["expires_at"] is not None
    await credentials.close()


@pytest.mark.usefixtures("nobody")
async def test_a_role_that_is_refused_is_told_and_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [unassumed("AccessDenied"), assumed(1), unassumed("ExpiredToken"), assumed(2)]

    async with service(lambda *_: answers.pop(0)) as url:
        (tmp_path / "token").write_text("web identity")
        monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
        monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/store")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "here")
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", url.partition("endpoint=")[2])
        credentials = AwsCredentials(None, url_lifetime=3600)
        with pytest.raises(BadSettings, match=r"S3 credentials cannot be renewed: .*AccessDenied"):
            await credentials.open()
        await credentials.open()
        with pytest.raises(BadSettings, match="ExpiredToken"):
            await credentials.refresh()
        assert credentials.current().token == "token 1"
        await credentials.refresh()
        assert credentials.current().token == "token 2"
        await credentials.close()
    assert answers == []


def unassumed(code: str) -> web.Response:
    return web.Response(
        status=403,
        content_type="text/xml",
        text=f"<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>",
    )


def assumed(number: int) -> web.Response:
    """What a role is given: credentials that end in five minutes."""
    ends = datetime.now(UTC) + timedelta(minutes=5)
    return web.Response(
        content_type="text/xml",
        text=f"""<AssumeRoleWithWebIdentityResponse
xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>
<AccessKeyId>key {number}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>
<SessionToken>token {number}</SessionToken><Expiration>{ends:%Y-%m-%dT%H:%M:%SZ}</Expiration>
</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>""",
    )
