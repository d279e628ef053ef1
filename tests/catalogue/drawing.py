"""Properties of Flows and Profiles, drawn at random with every one of them set or not."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC

from hypothesis import strategies as st

from tams.domain.flows import (
    AspectRatio,
    AudioCodecParameters,
    AudioParameters,
    AudioTrackMapping,
    AVCParameters,
    ContainerMapping,
    DataParameters,
    ImageParameters,
    ISOBMFFMapping,
    MP2TSMapping,
    MultiParameters,
    MXFMapping,
    Ratio,
    UncompressedAudio,
    UncompressedVideo,
    VideoParameters,
)
from tams.domain.numbers import MAX_INTEGER
from tams.domain.sources import ContentFormat

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=200)
POSITIVE = st.integers(1, MAX_INTEGER)
NATURAL = st.integers(0, MAX_INTEGER)
INTEGER = st.integers(-MAX_INTEGER, MAX_INTEGER)
FLAG = st.none() | st.booleans()
MOMENT = st.datetimes(timezones=st.just(UTC))


def every(kind, **known):
    """Values of a dataclass with any of its properties set."""
    guessed = {one.name: ... for one in fields(kind) if one.name not in known}
    return st.builds(kind, **guessed, **known)


def unset_or(strategy):
    return st.none() | strategy


RATIO = every(Ratio)
SIZES = {"frame_width": POSITIVE, "frame_height": POSITIVE}
ASPECT = unset_or(every(AspectRatio))
VIDEO = {
    "aspect_ratio": ASPECT,
    "pixel_aspect_ratio": ASPECT,
    "unc_parameters": unset_or(every(UncompressedVideo)),
    "avc_parameters": unset_or(every(AVCParameters)),
    **SIZES,
}
ESSENCE = {
    ContentFormat.VIDEO: every(
        VideoParameters, vfr=st.sampled_from([None, False]), frame_rate=RATIO, **VIDEO
    )
    | every(VideoParameters, vfr=st.just(value=True), frame_rate=st.none(), **VIDEO),
    ContentFormat.AUDIO: every(
        AudioParameters,
        codec_parameters=unset_or(every(AudioCodecParameters)),
        unc_parameters=unset_or(every(UncompressedAudio)),
    ),
    ContentFormat.IMAGE: every(ImageParameters, aspect_ratio=ASPECT),
    ContentFormat.DATA: every(DataParameters, data_type=unset_or(TEXT)),
    ContentFormat.MULTI: unset_or(every(MultiParameters)),
}
MAPPING = every(
    ContainerMapping,
    audio_track=unset_or(
        every(AudioTrackMapping, channel_range=st.sampled_from([None, "0_1", "2_5"]))
    ),
    mp2ts_container=unset_or(every(MP2TSMapping)),
    mxf_container=unset_or(
        every(
            MXFMapping,
            package_uid=st.sampled_from([None, "urn:uuid:8f1b6b2a-0c1d-4e5f-8a9b-0123456789ab"]),
        )
    ),
    isobmff_container=unset_or(every(ISOBMFFMapping)),
)
TAGS = st.dictionaries(TEXT.filter(bool), TEXT | st.lists(TEXT, max_size=3).map(tuple), max_size=4)
