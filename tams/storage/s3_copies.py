"""Copies that an S3 service makes by itself, without their bytes passing through here."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from threading import Thread
from typing import Any

from tams.errors import StorageFailed
from tams.storage.base import Beat
from tams.storage.beats import beating
from tams.storage.places import S3Place
from tams.storage.sigv4 import Bucket

LARGEST = 5 << 30
"""What one request copies at most (AWS, `CopyObject` and `UploadPartCopy`)."""

_ABORT_S = 5.0
_CONNECT_S = 3
_READ_S = 300
"""For a request that copies 5 GiB, while the service may say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """The bytes to be copied, as they were when they were looked at."""

    place: S3Place
    key: str
    size: int
    etag: str

    @property
    def reference(self) -> dict[str, Any]:
        """What names them to the service; a copy of bytes that have changed is refused."""
        source = {"Bucket": self.place.bucket.name, "Key": f"{self.place.prefix}{self.key}"}
        return {"CopySource": source, "CopySourceIfMatch": self.etag}


class S3Copies:
    """Copies to one place; what is larger than `largest` bytes, in parts of that size.

    AWS's own client does it, in threads; it is made on first need, since that takes a while.
    """

    def __init__(self, place: S3Place, name: str, *, largest: int = LARGEST) -> None:
        self._place = place
        self._name = name
        self._largest = largest
        self._client: Any = None

    def close(self) -> None:
        """Let go of connections."""
        if self._client is not None:
            self._client.close()

    async def copy(
        self,
        original: Original,
        key: str,
        content_type: str,
        beat: Beat,
    ) -> bool:
        """Copy bytes under a key; False if the service does not, and nothing of use is there then.

        `beat` is awaited before each request and every few seconds; what it raises ends the copy,
        but for a request that is on its way. Raises `StorageFailed` if the service does not answer.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        where = {"Bucket": self._place.bucket.name, "Key": f"{self._place.prefix}{key}"}
        copy = self._whole if original.size <= self._largest else self._in_parts
        try:
            await copy(original, where, content_type, beat)
        except (ClientError, _MisunderstoodError):
            # It lacks a permission, say, or the service an operation: the bytes go another way.
            return False
        except BotoCoreError as error:
            raise StorageFailed(f"{self._name}: it did not copy: {type(error).__name__}") from error
        return True

    async def _whole(
        self,
        original: Original,
        where: dict[str, str],
        content_type: str,
        beat: Beat,
    ) -> None:
        made = await self._ask(
            beat,
            "copy_object",
            **where,
            **original.reference,
            ContentType=content_type,
            MetadataDirective="REPLACE",
        )
        _etag(made, "CopyObjectResult")

    async def _in_parts(
        self,
        original: Original,
        where: dict[str, str],
        content_type: str,
        beat: Beat,
    ) -> None:
        begun = await self._ask(beat, "create_multipart_upload", **where, ContentType=content_type)
        upload = {**where, "UploadId": begun["UploadId"]}
        try:
            parts = []
            for number, start in enumerate(range(0, original.size, self._largest), 1):
                last = min(start + self._largest, original.size) - 1
                made = await self._ask(
                    beat,
                    "upload_part_copy",
                    **upload,
                    **original.reference,
                    PartNumber=number,
                    CopySourceRange=f"bytes={start}-{last}",
                )
                parts.append({"PartNumber": number, "ETag": _etag(made, "CopyPartResult")})
            await self._ask(
                beat, "complete_multipart_upload", **upload, MultipartUpload={"Parts": parts}
            )
        except BaseException:
            # What is left where this fails too, the bucket's lifecycle rule removes.
            with suppress(Exception):
                async with asyncio.timeout(_ABORT_S):
                    await self._run("abort_multipart_upload", **upload)
            raise

    async def _ask(self, beat: Beat, operation: str, **parameters: object) -> Any:  # noqa: ANN401 - botocore has no types
        """What the service answers; meanwhile the beat goes on."""
        return await beating(partial(self._run, operation, **parameters), beat)

    async def _run(self, operation: str, **parameters: object) -> Any:  # noqa: ANN401
        # In a thread for which the end of the process does not wait, as it would for a pool's.
        answer: Future[Any] = Future()
        work = (answer, operation, parameters)
        try:
            Thread(target=self._answer, args=work, name="copy", daemon=True).start()
        except RuntimeError as error:
            raise StorageFailed(f"{self._name}: {error}") from error
        return await asyncio.wrap_future(answer)

    def _answer(self, answer: Future[Any], operation: str, parameters: dict[str, object]) -> None:
        if not answer.set_running_or_notify_cancel():
            return
        try:
            answer.set_result(self._call(operation, parameters))
        except BaseException as error:  # noqa: BLE001 - raised where it is awaited
            answer.set_exception(error)

    def _call(self, operation: str, parameters: dict[str, object]) -> Any:  # noqa: ANN401
        if self._client is None:
            self._client = _client(self._place.bucket, self._place.profile)
        return getattr(self._client, operation)(**parameters)


class _MisunderstoodError(Exception):
    """The service took the request for one that brings the bytes with it."""


def _etag(made: Mapping[str, Any], result: str) -> str:
    try:
        return str(made[result]["ETag"])
    except KeyError as missing:
        raise _MisunderstoodError(result) from missing


def _client(bucket: Bucket, profile: str | None) -> Any:  # noqa: ANN401
    from botocore.config import Config
    from botocore.session import Session

    config = Config(
        signature_version="s3v4",
        connect_timeout=_CONNECT_S,
        read_timeout=_READ_S,
        retries={"mode": "standard", "max_attempts": 2},
        s3={"addressing_style": "virtual" if bucket.virtual else "path"},
        # Services that are not AWS do not know its newer checksums.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return Session(profile=profile).create_client(
        "s3", endpoint_url=bucket.endpoint, region_name=bucket.region, config=config
    )
