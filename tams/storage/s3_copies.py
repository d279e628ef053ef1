"""Copies that an S3 service makes by itself, without their bytes passing through here."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from tams.errors import StorageFailed
from tams.storage.base import Beat
from tams.storage.places import S3Place
from tams.storage.sigv4 import Bucket

LARGEST = 5 << 30
"""What one request copies at most (AWS, `CopyObject` and `UploadPartCopy`)."""

_BEAT_S = 5.0
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
        """Copy bytes under a key; False if the service refuses to, and nothing is there then.

        `beat` is awaited every few seconds; what it raises ends the copy. Raises `StorageFailed`
        if the service does not answer.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        where = {"Bucket": self._place.bucket.name, "Key": f"{self._place.prefix}{key}"}
        copy = self._whole if original.size <= self._largest else self._in_parts
        try:
            await copy(original, where, content_type, beat)
        except ClientError:
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
        await self._ask(
            beat,
            "copy_object",
            **where,
            **original.reference,
            ContentType=content_type,
            MetadataDirective="REPLACE",
        )

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
                parts.append({"PartNumber": number, "ETag": made["CopyPartResult"]["ETag"]})
            await self._ask(
                beat, "complete_multipart_upload", **upload, MultipartUpload={"Parts": parts}
            )
        except BaseException:
            # What is left where this fails too, the bucket's lifecycle rule removes.
            with suppress(Exception):
                await asyncio.shield(self._run("abort_multipart_upload", **upload))
            raise

    async def _ask(self, beat: Beat, operation: str, **parameters: object) -> Any:  # noqa: ANN401 - botocore has no types
        """What the service answers; meanwhile the beat goes on."""
        asked = asyncio.ensure_future(self._run(operation, **parameters))
        try:
            while True:
                await beat()
                done, _ = await asyncio.wait({asked}, timeout=_BEAT_S)
                if done:
                    return asked.result()
        finally:
            asked.cancel()

    async def _run(self, operation: str, **parameters: object) -> Any:  # noqa: ANN401
        return await asyncio.to_thread(self._call, operation, parameters)

    def _call(self, operation: str, parameters: dict[str, object]) -> Any:  # noqa: ANN401
        if self._client is None:
            self._client = _client(self._place.bucket, self._place.profile)
        return getattr(self._client, operation)(**parameters)


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
