"""Flows as clients of the vendor's write them: flat, or with a `content_format`, or the standard's.

What the standard has no property for becomes a tag of the same name.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tams.domain.flows import FlowCommon
from tams.domain.sources import ContentFormat
from tams.errors import Invalid
from tams.wire.flows import flow_of
from tams.wire.technical import require_object
from tams.wire.vendor_values import (
    first,
    given,
    read_format,
    read_rate,
    read_ratio,
    read_tags,
    require_text,
)

UNKNOWN_CODEC = "application/octet-stream"
"""The codec of a Flow of which nobody has said how it is coded."""

_FLAT = {
    "frame_width": "frame_width",
    "frame_height": "frame_height",
    "frame_rate": "frame_rate",
    "vfr": "vfr",
    "interlace_mode": "interlace_mode",
    "aspect_ratio": "aspect_ratio",
    "pixel_aspect_ratio": "pixel_aspect_ratio",
    "component_type": "component_type",
    "horiz_chroma_subs": "horiz_chroma_subs",
    "vert_chroma_subs": "vert_chroma_subs",
    "bit_depth": "bit_depth",
    "bits_per_sample": "bit_depth",
    "sample_rate": "sample_rate",
    "channels": "channels",
    "data_type": "data_type",
    "unc_parameters": "unc_parameters",
    "avc_parameters": "avc_parameters",
    "codec_parameters": "codec_parameters",
    "init_segments": "init_segments",
}
"""Where a flat property stands among the `essence_parameters`."""
_SUBSAMPLING = {"4:4:4": (1, 1), "4:2:2": (2, 1), "4:2:0": (2, 2), "4:1:1": (4, 1)}
_SPACES = {"BT601", "BT709", "BT2020", "BT2100"}
_TRANSFERS = {
    "SDR": "SDR", "BT709": "SDR", "HLG": "HLG", "ARIBSTDB67": "HLG", "PQ": "PQ", "SMPTE2084": "PQ",
    "SMPTEST2084": "PQ",
}  # fmt: skip
_PLAIN = re.compile("[^A-Z0-9]")


def vendor_flow(document: dict[str, Any], new_id: Callable[[], str]) -> FlowCommon:
    """Read a Flow to make; raises `Invalid`.

    An id, or a `source_id`, that is missing is made by `new_id`; a format that is missing is video;
    a video whose size or rate is missing has 1920 by 1080 pixels, or a variable rate. What the
    server manages is ignored.
    """
    known = given(document)
    # "" parts with the Profile, so that the Flow says all by itself.
    translate = _common if known.get("profile_id") else _translated
    try:
        return flow_of(translate(known, new_id))
    except Invalid as refusal:
        if "essence_parameters" in known:
            raise
        field = refusal.field.removeprefix("essence_parameters.")
        raise Invalid(field, refusal.value, refusal.rule) from None


def _translated(known: dict[str, Any], new_id: Callable[[], str]) -> dict[str, Any]:
    found = _unfolded(known)
    content, kind = read_format(found)
    content = content or ContentFormat.VIDEO
    if "codec" not in found and content != ContentFormat.MULTI:
        found["codec"] = found.get("container", UNKNOWN_CODEC)
    if "segment_duration" in found:
        found["segment_duration"] = read_ratio("segment_duration", found["segment_duration"])
    essence, left = _essence(found, content)
    if essence or content != ContentFormat.MULTI:
        found["essence_parameters"] = essence
    return {**_common(found, new_id, type=kind, **left), "format": content}


def _unfolded(known: dict[str, Any]) -> dict[str, Any]:
    """With what stands in a `content_format` beside all the rest, which wins."""
    if "content_format" not in known:
        return dict(known)
    inner = given(require_object(known["content_format"], "content_format"))
    container = inner.pop("mime_type", None)
    content, _ = read_format({**inner, **known})
    codec = inner.get("codec")
    if isinstance(codec, str) and "/" not in codec:
        family = (content or ContentFormat.VIDEO).rpartition(":")[2]
        inner["codec"] = f"{family}/{re.sub('[^a-z0-9-]', '', codec.lower())}"
    return {**given({"container": container}), **inner, **known}


def _common(known: dict[str, Any], new_id: Callable[[], str], **tags: object) -> dict[str, Any]:
    """The properties that every Flow has, as the standard writes them."""
    found = {**known, "tags": read_tags(known, location=known.get("location"), **tags)}
    found.setdefault("id", new_id())
    found.setdefault("source_id", new_id())
    label = first(known, "label", "name")
    if label is not None:
        found["label"] = label
    collection = known.get("flow_collection")
    if isinstance(collection, list):
        found["flow_collection"] = [
            {"id": item} if isinstance(item, str) else item for item in collection
        ]
    return found


def _essence(
    known: dict[str, Any], content: ContentFormat
) -> tuple[dict[str, Any], dict[str, object]]:
    """The `essence_parameters`, and what is left for tags."""
    flat = {_FLAT[name]: value for name, value in known.items() if name in _FLAT}
    inner = given(require_object(known.get("essence_parameters", {}), "essence_parameters"))
    essence = {**flat, **inner}
    left: dict[str, object] = {}
    _read_colours(known, essence, left)
    # What the standard's own body says stays as it is: its denominator may be left out.
    if essence.get("frame_rate") == "vfr":
        essence["vfr"] = True
        del essence["frame_rate"]
    if "frame_rate" in essence and not isinstance(inner.get("frame_rate"), dict):
        essence["frame_rate"] = read_ratio("frame_rate", essence["frame_rate"])
    if "sample_rate" in essence:
        essence["sample_rate"] = read_rate("sample_rate", essence["sample_rate"])
    has_size = not essence.keys().isdisjoint({"frame_width", "frame_height"})
    if content in (ContentFormat.VIDEO, ContentFormat.IMAGE) and not has_size:
        essence |= {"frame_width": 1920, "frame_height": 1080}
    if content == ContentFormat.VIDEO and essence.keys().isdisjoint({"frame_rate", "vfr"}):
        essence["vfr"] = True
    return essence, left


def _read_colours(known: dict[str, Any], essence: dict[str, Any], left: dict[str, object]) -> None:
    if (primaries := known.get("color_primaries")) is not None:
        left["color_primaries"] = primaries
    if (space := first(known, "color_space", "colorspace")) is not None:
        plain = _plain("color_space", space).removeprefix("ITUR").replace("REC", "BT")
        if plain in _SPACES:
            essence["colorspace"] = plain
        else:
            left["color_space"] = space
    name = "transfer_characteristics"
    if (transfer := first(known, name, "transfer_characteristic")) is not None:
        if (meant := _TRANSFERS.get(_plain(name, transfer))) is not None:
            essence["transfer_characteristic"] = meant
        else:
            left[name] = transfer
    if (sampling := known.get("color_sampling")) is not None:
        text = require_text("color_sampling", sampling)
        found = _SUBSAMPLING.get(text.upper().removeprefix("YCBCR").lstrip("-_ "))
        if found is not None:
            essence |= {"component_type": "YCbCr"} if "component_type" not in essence else {}
            essence["horiz_chroma_subs"], essence["vert_chroma_subs"] = found
        elif text.upper() == "RGB":
            essence["component_type"] = "RGB"
        else:
            left["color_sampling"] = text


def _plain(field: str, value: object) -> str:
    return _PLAIN.sub("", require_text(field, value).upper())
