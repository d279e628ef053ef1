"""What the URL of a backend names: a folder, a bucket or a container; nothing is asked yet.

A URL holds no secrets. Whatever it holds that means nothing is refused.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from tams.storage.sas import Container
from tams.storage.sigv4 import Bucket

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]")
_PART_OF_HOST = re.compile(r"[a-z0-9-]+")
_CONTAINER = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_ACCOUNT = re.compile(r"[a-z0-9]{3,24}")
_ENDPOINT = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?")
_REGION = re.compile(r"[A-Za-z0-9-]+")
_STYLES = ("path", "virtual")
_GOOGLE = "https://storage.googleapis.com"
_GOOGLE_REGION = "auto"
_ANY_REGION = "us-east-1"
"""What services with an endpoint of their own take, unless they say otherwise."""


class Place(ABC):
    """Where the bytes of one backend lie, and by `str` what operators know it by.

    `provider` and `store_product` are told if unset.
    """

    provider: str
    store_product: str

    @property
    @abstractmethod
    def uri(self) -> str:
        """The same for each way of naming the place; the id of a backend is derived from it."""

    @abstractmethod
    def overlaps(self, other: Place) -> bool:
        """Whether the keys of one could be the other's."""


@dataclass(frozen=True)
class Folder(Place):
    """A folder of this machine: `file:///srv/media`."""

    path: Path

    provider = "local"
    store_product = "tams-local"

    @classmethod
    def parse(cls, parts: SplitResult) -> Folder:
        """Raise `ValueError` if it is no absolute path."""
        if parts.netloc or parts.query or parts.fragment or len(parts.path.strip("/")) == 0:
            raise ValueError("it must be file:/// and the absolute path of a folder")
        return cls(Path(unquote(parts.path)))

    @property
    def uri(self) -> str:
        """See `Place`."""
        return self.path.as_uri()

    def __str__(self) -> str:
        return str(self.path)

    def overlaps(self, other: Place) -> bool:
        """See `Place`."""
        if not isinstance(other, Folder):
            return False
        first, second = self.path.resolve(), other.path.resolve()
        return first.is_relative_to(second) or second.is_relative_to(first)


@dataclass(frozen=True)
class S3Place(Place):
    """Keys below a prefix of a bucket: `s3://bucket/prefix?endpoint=…&region=…&style=…`.

    `gs://bucket/prefix` is one of Google Cloud Storage, which takes the same requests.
    Clients reach it as `public`, this server as `bucket`. `prefix` ends with a slash or is empty;
    `profile` names credentials in the shared files.
    """

    bucket: Bucket
    public: Bucket
    prefix: str
    profile: str | None
    provider: str
    store_product: str

    @classmethod
    def parse(cls, parts: SplitResult) -> S3Place:
        """Raise `ValueError`, which names what is wrong and shows none of it."""
        names = ("endpoint", "public_endpoint", "region", "style", "profile")
        given = _parameters(parts, names)
        if _BUCKET.fullmatch(parts.netloc) is None:
            raise ValueError("it must be s3:// and the name of a bucket; credentials lie elsewhere")
        endpoint, region = given.get("endpoint"), given.get("region")
        if parts.scheme == "gs":
            endpoint, region = endpoint or _GOOGLE, region or _GOOGLE_REGION
        if endpoint is None and region is None:
            raise ValueError("region: it must be given where there is no endpoint, ?region=…")
        if region is not None and _REGION.fullmatch(region) is None:
            raise ValueError("region: it must be letters, digits and -")
        may_be_host = _PART_OF_HOST.fullmatch(parts.netloc) is not None
        style = given.get("style", "virtual" if may_be_host and not endpoint else "path")
        if style not in _STYLES:
            raise ValueError("style: it must be path or virtual")
        if style == "virtual" and parts.netloc != parts.netloc.lower():
            raise ValueError("style: it must be path where the bucket's name has capitals")
        reached = endpoint or _aws_endpoint(region or _ANY_REGION)
        bucket, public = (
            Bucket(
                endpoint=_endpoint(name, at),
                name=parts.netloc,
                region=region or _ANY_REGION,
                virtual=style == "virtual",
            )
            for name, at in (
                ("endpoint", reached),
                ("public_endpoint", given.get("public_endpoint", reached)),
            )
        )
        provider, product = ("s3", "s3") if endpoint else ("aws", "s3")
        if parts.scheme == "gs":
            provider, product = "gcp", "google-cloud-storage"
        return cls(bucket, public, _prefix(parts), given.get("profile"), provider, product)

    @property
    def uri(self) -> str:
        """See `Place`."""
        endpoint = quote(self.bucket.endpoint, safe="")
        return f"s3://{self.bucket.name}/{quote(self.prefix)}?endpoint={endpoint}"

    def __str__(self) -> str:
        return f"s3://{self.bucket.name}/{self.prefix} of {self.bucket.endpoint}"

    def is_at_one_with(self, other: S3Place) -> bool:
        """Whether the service can copy from there by itself."""
        return self.bucket.endpoint == other.bucket.endpoint

    def overlaps(self, other: Place) -> bool:
        """See `Place`."""
        return (
            isinstance(other, S3Place)
            and self.is_at_one_with(other)
            and self.bucket.name == other.bucket.name
            and (self.prefix.startswith(other.prefix) or other.prefix.startswith(self.prefix))
        )


@dataclass(frozen=True)
class AzurePlace(Place):
    """Blobs below a prefix of a container: `az://container/prefix?account=…`.

    Clients reach it as `public`, this server as `container`. `prefix` ends with a slash or is
    empty.
    """

    container: Container
    public: Container
    prefix: str

    provider = "azure"
    store_product = "azure-blob-storage"

    @classmethod
    def parse(cls, parts: SplitResult) -> AzurePlace:
        """Raise `ValueError`, which names what is wrong and shows none of it."""
        given = _parameters(parts, ("account", "endpoint", "public_endpoint"))
        if _CONTAINER.fullmatch(parts.netloc) is None:
            raise ValueError("it must be az:// and the name of a container; keys lie elsewhere")
        account = given.get("account", "")
        if _ACCOUNT.fullmatch(account) is None:
            raise ValueError("account: it must be given, ?account=…, in small letters and digits")
        reached = given.get("endpoint", f"https://{account}.blob.core.windows.net")
        container, public = (
            Container(endpoint=_endpoint(name, at), account=account, name=parts.netloc)
            for name, at in (
                ("endpoint", reached),
                ("public_endpoint", given.get("public_endpoint", reached)),
            )
        )
        return cls(container, public, _prefix(parts))

    @property
    def uri(self) -> str:
        """See `Place`."""
        return f"az://{self.container.name}/{quote(self.prefix)}?account={self.container.account}"

    def __str__(self) -> str:
        return f"az://{self.container.name}/{self.prefix} of {self.container.account}"

    def overlaps(self, other: Place) -> bool:
        """See `Place`."""
        return (
            isinstance(other, AzurePlace)
            and self.container == other.container
            and (self.prefix.startswith(other.prefix) or other.prefix.startswith(self.prefix))
        )


_KINDS = {
    "file": Folder.parse,
    "s3": S3Place.parse,
    "gs": S3Place.parse,
    "az": AzurePlace.parse,
}


def parse_place(url: str) -> Place:
    """Take a backend's URL apart; raises `ValueError`, which shows no part of it that is wrong."""
    parts = urlsplit(url)
    if parts.scheme not in _KINDS:
        known = ", ".join(f"{scheme}://" for scheme in _KINDS)
        raise ValueError(f"{parts.scheme or 'no'} scheme: only {known} are supported")
    return _KINDS[parts.scheme](parts)


def _parameters(parts: SplitResult, names: tuple[str, ...]) -> Mapping[str, str]:
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    given = dict(pairs)
    unknown = next((name for name in given if name not in names), None)
    if parts.fragment or unknown is not None or len(given) < len(pairs) or "" in given.values():
        shown = f", not {unknown}" if unknown else ""
        raise ValueError(f"after the ? it may have {', '.join(names)}, each once{shown}")
    return given


def _prefix(parts: SplitResult) -> str:
    names = unquote(parts.path).strip("/").split("/")
    if names == [""]:
        return ""
    if any(name in ("", ".", "..") or not name.isprintable() for name in names):
        raise ValueError("its path must be names with / between them")
    return "/".join(names) + "/"


def _endpoint(name: str, url: str) -> str:
    if _ENDPOINT.fullmatch(url) is None:
        raise ValueError(f"{name}: it must be http:// or https:// and a host, and a port if needed")
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    # What is signed is the host as clients send it.
    return f"{scheme}://{host.lower()}{slash}{path}".rstrip("/")


def _aws_endpoint(region: str) -> str:
    return f"https://s3.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"
