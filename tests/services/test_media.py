"""What a media URL lets its holder do, without HTTP."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from tams.domain.storage import MediaUrl
from tams.errors import TooLarge
from tams.services.media import Media
from tests.services.conftest import BASE, HOT, once

KEY = "tams/a.ts"


def put_url(house):
    signed = urlsplit(house.storages[HOT.id].sign_put(BASE, KEY, "").url)
    query = parse_qs(signed.query)
    return MediaUrl(HOT.id, KEY, query["expires"][0], query["signature"][0])


@pytest.mark.parametrize("length", ["", "five", "\u00b2", "-1", "5.0"])
async def test_only_the_bytes_count_where_a_length_is_no_number(house, length):
    media = Media(house.storages.local, max_size=5)
    stored = await media.store(put_url(house), {"content-length": length}, once(b"media"))
    assert stored.size == 5
    with pytest.raises(TooLarge, match="at most 5 bytes"):
        await media.store(put_url(house), {"content-length": length}, once(b"medium"))


async def test_a_length_over_the_limit_is_refused_before_any_byte(house):
    async def never():
        raise AssertionError("no byte is asked for")
        yield b""

    media = Media(house.storages.local, max_size=5)
    with pytest.raises(TooLarge):
        await media.store(put_url(house), {"content-length": "6"}, never())
