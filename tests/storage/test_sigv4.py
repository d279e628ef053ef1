"""Presigned S3 URLs, beside those of AWS's own library."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import botocore.auth
import botocore.credentials
import pytest
from botocore.awsrequest import AWSRequest
from hypothesis import given
from hypothesis import strategies as st

from tams.storage.sigv4 import Bucket, Credentials, S3Urls
from tests.media_server import KEY, StoppedClock

BUCKET = Bucket(endpoint="https://s3.example:9000", name="media", region="eu-west-1")
LONG_LIVED = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")

hosts = st.from_regex(r"[a-z][a-z0-9-]{0,9}(\.[a-z]{2,5}){0,2}(:[1-9][0-9]{0,3})?", fullmatch=True)
buckets = st.builds(
    lambda scheme, host, below, **rest: Bucket(endpoint=f"{scheme}://{host}{below}", **rest),
    scheme=st.sampled_from(["http", "https"]),
    host=hosts | hosts.map(lambda host: f"{host.partition(':')[0]}:443"),
    below=st.sampled_from(["", "", "/", "/gate/s3"]),
    name=st.from_regex(r"[a-z0-9][a-z0-9.-]{1,20}[a-z0-9]", fullmatch=True),
    region=st.sampled_from(["us-east-1", "eu-west-1", "here"]),
    virtual=st.booleans(),
)
# What no path may hold is not asked: botocore takes `.` and `..` for steps.
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/"), min_size=1)
keys = st.lists(names.filter(lambda name: name not in (".", "..")), min_size=1, max_size=4).map(
    "/".join
)
credentials = st.builds(
    Credentials,
    st.text("ABCDEFGHIJ0123456789/+", min_size=4),
    st.text(min_size=1, max_size=60).filter(lambda key: len(key.encode()) <= 60),
    st.none() | st.text("abcXYZ/+=% ", min_size=1),
)


class StoppedAuth(botocore.auth.S3SigV4QueryAuth):
    """AWS's presigner at a moment that a test sets."""

    def at(self, moment: datetime) -> StoppedAuth:
        self._moment = moment
        return self

    def add_auth(self, request):
        request.context["timestamp"] = f"{self._moment:%Y%m%dT%H%M%SZ}"
        self._modify_request_before_signing(request)
        message = self.string_to_sign(request, self.canonical_request(request))
        self._inject_signature_to_request(request, self.signature(message, request))


def presigned_by_aws(
    method: str, url: str, region: str, secrets: Credentials, moment: datetime, life: int
) -> str:
    known = botocore.credentials.Credentials(*secrets)
    request = AWSRequest(method=method, url=url)
    StoppedAuth(known, "s3", region, expires=life).at(moment).add_auth(request)
    return str(request.prepare().url)


def parts(url: str) -> tuple[str, str, dict[str, list[str]]]:
    split = urlsplit(url)
    host = split.netloc
    for own in (":443",) if split.scheme == "https" else (":80",):
        host = host.removesuffix(own)
    return host, split.path, parse_qs(split.query, strict_parsing=True)


@given(buckets, st.just("") | keys.map(lambda key: f"{key}/"), keys, credentials)
def test_urls_are_those_of_awss_own_library(
    bucket: Bucket, prefix: str, key: str, secrets: Credentials
) -> None:
    clock = StoppedClock()
    urls = S3Urls(bucket, prefix, lambda: secrets, clock, timeout=3600, window=900)
    moment = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    for method, made in (("GET", urls.getter()(key)), ("PUT", urls.putter()(key))):
        plain = made.partition("?")[0]
        theirs = presigned_by_aws(method, plain, bucket.region, secrets, moment, 4560)
        assert parts(made) == parts(theirs)


@pytest.mark.parametrize(
    ("virtual", "begun"),
    [
        (False, "https://s3.example:9000/media/pre%20fix/ke%2By/%C3%A9~.ts?X-Amz-Algorithm="),
        (True, "https://media.s3.example:9000/pre%20fix/ke%2By/%C3%A9~.ts?X-Amz-Algorithm="),
    ],
)
def test_a_url_names_bucket_and_key(virtual: bool, begun: str) -> None:
    bucket = Bucket(
        endpoint="https://s3.example:9000", name="media", region="here", virtual=virtual
    )
    urls = S3Urls(bucket, "pre fix/", lambda: LONG_LIVED, StoppedClock(), timeout=3600, window=900)
    assert urls.getter()("ke+y/é~.ts").startswith(begun)


@pytest.fixture
def urls(clock: StoppedClock) -> S3Urls:
    return S3Urls(BUCKET, "", lambda: LONG_LIVED, clock, timeout=3600, window=900)


def test_a_url_repeats_within_its_window(urls: S3Urls, clock: StoppedClock) -> None:
    first, written = urls.getter()(KEY), urls.putter()(KEY)
    clock.move(476)
    assert (urls.getter()(KEY), urls.putter()(KEY)) == (first, written)
    clock.move(1)
    assert urls.getter()(KEY) != first
    assert urls.putter()(KEY) != written


def test_a_url_lives_its_timeout_wherever_in_the_window_it_was_made(
    urls: S3Urls, clock: StoppedClock
) -> None:
    clock.now = datetime(2026, 11, 20, 23, 40, tzinfo=UTC)
    for _ in range(90):
        clock.move(30)
        _, _, query = parts(urls.getter()(KEY))
        made = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%S%z")
        ends = made + timedelta(seconds=int(query["X-Amz-Expires"][0]))
        assert timedelta(seconds=3600) <= ends - clock.now <= timedelta(seconds=3600 + 900 + 60)
        assert query["X-Amz-Credential"][0].split("/")[1] == f"{made:%Y%m%d}"


def test_new_credentials_sign_from_that_moment_on(clock: StoppedClock) -> None:
    now = [LONG_LIVED]
    urls = S3Urls(BUCKET, "", lambda: now[0], clock, timeout=3600, window=900)
    first = urls.getter()(KEY)
    now[0] = LONG_LIVED._replace(token="t/1+")
    with_token = urls.getter()(KEY)
    assert "&X-Amz-Security-Token=t%2F1%2B&" in with_token
    assert parts(first)[2]["X-Amz-Signature"] != parts(with_token)[2]["X-Amz-Signature"]
    now[0] = LONG_LIVED
    assert urls.getter()(KEY) == first


def test_a_secret_is_not_printed() -> None:
    assert repr(LONG_LIVED) == "Credentials(AKIDEXAMPLE)"
