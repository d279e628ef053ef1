"""Signed URLs: what they look like, how long they live, and what a forger may change."""

from __future__ import annotations

from itertools import product
from urllib.parse import parse_qs, urlsplit

import pytest

from tams.domain.storage import MediaUrl
from tams.errors import MediaRefused
from tams.storage.signing import MediaUrls
from tests.media_server import BACKEND, KEY, SECRET, StoppedClock

BASE = "http://store.example:8000"


def taken_apart(url: str) -> MediaUrl:
    parts = urlsplit(url)
    _, media, storage_id, key = parts.path.split("/", 3)
    assert media == "media"
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    kind = query.get("content-type", "")
    return MediaUrl(storage_id, key, query["expires"], query["signature"], kind)


def get_url(urls: MediaUrls, key: str = KEY) -> str:
    return urls.getters(BASE, BACKEND.id)(key)


def put_url(urls: MediaUrls, content_type: str = "video/mp2t") -> str:
    return urls.putter(BASE, BACKEND.id, KEY, content_type)


def test_a_url_names_its_server_backend_and_key(urls: MediaUrls) -> None:
    assert get_url(urls).startswith(f"{BASE}/media/{BACKEND.id}/{KEY}?expires=")


def test_what_was_signed_is_accepted(urls: MediaUrls) -> None:
    urls.check("GET", taken_apart(get_url(urls)))
    for content_type in ("", "video/mp2t", "application/ttml+xml", 'text/plain; charset="utf-8"'):
        urls.check("PUT", taken_apart(put_url(urls, content_type)))


@pytest.mark.parametrize(
    "change",
    [
        {"storage_id": "6a8f3f6c-1d51-4f0e-9c0d-0b8f6a1f2e12"},
        {"key": KEY + "s"},
        {"key": ""},
        {"expires": "9999999999"},
        {"expires": ""},
        {"signature": ""},
        {"signature": "0" * 64},
        {"signature": "é"},
        {"content_type": "text/html"},
        {"content_type": ""},
    ],
)
def test_no_part_can_be_changed(urls: MediaUrls, change: dict[str, str]) -> None:
    url = taken_apart(put_url(urls))
    with pytest.raises(MediaRefused, match="signature"):
        urls.check("PUT", url._replace(**change))


def test_a_url_is_for_one_method(urls: MediaUrls) -> None:
    made = {"GET": taken_apart(get_url(urls)), "PUT": taken_apart(put_url(urls, ""))}
    for (made_for, url), method in product(made.items(), ("GET", "PUT", "DELETE", "HEAD")):
        if method != made_for:
            with pytest.raises(MediaRefused, match="signature"):
                urls.check(method, url)


def test_another_secret_signs_other_urls(urls: MediaUrls, clock: StoppedClock) -> None:
    other = MediaUrls(SECRET[::-1], clock, timeout=3600, window=900)
    with pytest.raises(MediaRefused, match="signature"):
        other.check("GET", taken_apart(get_url(urls)))


def test_a_url_repeats_within_its_window(urls: MediaUrls, clock: StoppedClock) -> None:
    first = get_url(urls)
    clock.move(476)
    assert get_url(urls) == first
    clock.move(1)
    assert get_url(urls) != first


def test_a_url_lives_its_timeout_wherever_in_the_window_it_was_made(
    urls: MediaUrls, clock: StoppedClock
) -> None:
    for _ in range(90):
        clock.move(10)
        url = taken_apart(get_url(urls))
        clock.move(3600)
        urls.check("GET", url)
        clock.move(900 + 60 + 1)
        with pytest.raises(MediaRefused, match="expires"):
            urls.check("GET", url)


def test_a_thousand_keys_have_a_thousand_urls(urls: MediaUrls) -> None:
    sign = urls.getters(BASE, BACKEND.id)
    made = [sign(f"tams/{number}.ts") for number in range(1000)]
    assert len({taken_apart(url).signature for url in made}) == 1000
    for url in made:
        urls.check("GET", taken_apart(url))
