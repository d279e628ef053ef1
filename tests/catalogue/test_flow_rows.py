"""Every property of a Flow comes back from the catalogue as it went in."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tams.domain.flows import (
    AspectRatio,
    AudioCodecParameters,
    AudioParameters,
    AudioTrackMapping,
    AVCParameters,
    CollectionItem,
    ContainerMapping,
    DataParameters,
    Flow,
    FlowStatus,
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


@st.composite
def flows(draw):
    """A Flow with every property drawn, but ids that are new and no members."""
    content = draw(st.sampled_from(ContentFormat))
    return draw(
        st.builds(
            Flow,
            id=st.builds(lambda: str(uuid4())),
            source_id=st.builds(lambda: str(uuid4())),
            format=st.just(content),
            container_mapping=unset_or(MAPPING),
            segment_duration=unset_or(RATIO),
            essence_parameters=ESSENCE[content],
            tags=TAGS,
            status=unset_or(st.sampled_from(FlowStatus)),
            read_only=FLAG,
            created=MOMENT,
            metadata_updated=MOMENT,
            segments_updated=unset_or(MOMENT),
            **{name: unset_or(NATURAL) for name in ("avg_bit_rate", "max_bit_rate", "generation")},
            **{
                name: unset_or(TEXT)
                for name in (
                    "codec", "container", "label", "description", "profile_id",
                    "metadata_version", "created_by", "updated_by",
                )
            },
        )
    )  # fmt: skip


ITEMS = st.lists(st.tuples(st.integers(0, 1), unset_or(TEXT), unset_or(MAPPING)), max_size=4)


def collect(flow, members, items):
    return replace(
        flow,
        flow_collection=tuple(
            CollectionItem(id=members[index].id, role=role, container_mapping=mapping)
            for index, role, mapping in items
        ),
    )


async def stored(catalogue, flow_id):
    return await catalogue.read(lambda tx: tx.flows.get(flow_id))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.tuples(flows(), flows(), flows()), flows(), ITEMS, ITEMS)
async def test_a_flow_comes_back_as_it_was_stored(catalogue, three, other, first, second):
    *members, new = three
    new = collect(new, members, first)

    async def add(tx):
        for flow in (*members, new):
            await tx.flows.add(flow)

    await catalogue.write(add)
    assert await stored(catalogue, new.id) == new

    changed = replace(
        collect(other, members, second),
        id=new.id,
        created=new.created,
        segments_updated=new.segments_updated,
    )

    async def change(tx):
        await tx.flows.lock(new.id)
        await tx.flows.replace(changed)

    await catalogue.write(change)
    assert await stored(catalogue, new.id) == changed
