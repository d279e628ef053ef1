from __future__ import annotations

import pytest

from tams.media.codecs import MP4, QUICKTIME, TRANSPORT_STREAM, can_carry, carrier_for, mime_type


@pytest.mark.parametrize(
    ("codec", "carrier"),
    [
        ("h264", TRANSPORT_STREAM),
        ("hevc", TRANSPORT_STREAM),
        ("aac", TRANSPORT_STREAM),
        ("ac3", TRANSPORT_STREAM),
        ("pcm_s24le", QUICKTIME),
        ("prores", QUICKTIME),
        ("mjpeg", QUICKTIME),
        ("ffv1", MP4),
        ("vp9", MP4),
        ("opus", MP4),
        ("flac", MP4),
        ("vp8", None),
        ("tta", None),
    ],
)
def test_objects_are_transport_streams_where_the_codec_allows_it(codec, carrier):
    assert carrier_for(codec) is carrier


def test_what_an_export_can_hold():
    assert can_carry("matroska", "dts")
    assert can_carry("mp4", "pcm_s16le")
    assert not can_carry("mpegts", "pcm_s16le")
    assert not can_carry("mov", "tta")


def test_mime_types():
    assert mime_type("video", "hevc") == "video/h265"
    assert mime_type("audio", "pcm_s16be") == "audio/x-raw-int"
    assert mime_type("audio", "pcm_f32le") == "audio/x-raw-float"
    assert mime_type("audio", "tta") == "audio/x-tta"
    assert mime_type("data", "klv") == "application/x-klv"
