"""A stand-in for S3, in a process of its own: no more than the trial of a start asks for.

A start lists keys, and writes, asks about and removes one of them; signing a URL asks nobody.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate

from aiohttp import web

from bench.process import Process
from bench.receiver import listen

EMPTY = '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><Name>media</Name>\
<KeyCount>0</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated></ListBucketResult>'
PUBLIC = "https://s3.eu-west-1.amazonaws.com"
"""Where the URLs lead, so that they have the length of real ones; nobody follows them."""


@contextmanager
def bucket() -> Iterator[dict[str, str]]:
    """The settings of a server whose media lie in a bucket, with credentials that are made up."""
    with Process([sys.executable, "-m", "bench.bucket"], {}) as process:
        yield {
            "TAMS_STORAGE": f"s3://media?region=eu-west-1&endpoint={process.url}"
            f"&public_endpoint={PUBLIC}",
            "AWS_ACCESS_KEY_ID": "AKIAMADEUPMADEUPMADE",
            "AWS_SECRET_ACCESS_KEY": "made/up+made/up+made/up+made/up+made/up+",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


async def serve() -> None:
    """Keep the sizes of what is written, and answer what is asked of them."""
    sizes: dict[str, int] = {}

    async def answer(request: web.BaseRequest) -> web.Response:
        facts = {"ETag": '"made-up"', "Last-Modified": formatdate(usegmt=True)}
        if "list-type" in request.query:
            return web.Response(text=EMPTY, content_type="application/xml")
        if request.method == "PUT":
            sizes[request.path] = len(await request.read())
            return web.Response(headers=facts)
        if request.path not in sizes:
            return web.Response(status=404)
        if request.method == "DELETE":
            del sizes[request.path]
            return web.Response(status=204)
        return web.Response(body=bytes(sizes[request.path]), headers=facts)

    await listen(answer)


if __name__ == "__main__":
    asyncio.run(serve())
