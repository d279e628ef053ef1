"""A page of a thousand Segments has a thousand URLs, each signed for this very answer."""

from __future__ import annotations

import json

from tams.domain.clock import utc_now
from tams.domain.segments import Segment
from tams.domain.storage import StorageBackend, UrlFilter
from tams.storage.local import LocalStorage
from tams.storage.signing import MediaUrls
from tams.storage.storages import Storages
from tams.wire.segments import segments_json

BACKEND = StorageBackend(id="5f0f4a6e-7f40-4c4a-9a30-0b5b9a6a0f11", provider="x", store_product="y")


class CountingStorage(LocalStorage):
    """Counts the URLs that it signs."""

    signed = 0

    def sign_gets(self, base_url):
        sign = super().sign_gets(base_url)

        def count(key):
            self.signed += 1
            return sign(key)

        return count


def _segment(number):
    start, end = number * 10**9, (number + 1) * 10**9
    facts = (start, end, False, f"object-{number}", 0, None, None, None, start, end, False, None)
    return Segment(*facts, BACKEND.id, f"tams/{number}.ts", None)


def test_nothing_is_kept_from_an_earlier_answer(tmp_path):
    urls = MediaUrls(b"s" * 32, utc_now, timeout=3600, window=900)
    storage = CountingStorage(BACKEND, tmp_path, urls)
    storages = Storages([storage])
    page = [_segment(number) for number in range(1000)]
    for answer in (1, 2):
        signer = storages.signer(UrlFilter(), "http://127.0.0.1:8000")
        body = json.loads(segments_json(page, signer, verbose=False, with_object=False))
        assert len({item["get_urls"][0]["url"] for item in body}) == 1000
        assert storage.signed == 1000 * answer
