from __future__ import annotations

from fractions import Fraction

import pytest

from tams.domain.flows import AudioParameters, Ratio, VideoParameters
from tams.errors import MediaUnreadable
from tams.media.probe import probe


def test_a_clip_is_described_in_the_words_of_the_standard(clip):
    media = probe(clip(seconds=4))
    video, audio = media.tracks
    assert (video.kind, video.codec, video.carrier.mime_type) == (
        "video", "video/h264", "video/mp2t",
    )  # fmt: skip
    assert isinstance(video.parameters, VideoParameters)
    assert (video.parameters.frame_width, video.parameters.frame_height) == (64, 48)
    assert video.parameters.frame_rate == Ratio(numerator=25, denominator=1)
    assert video.parameters.vfr is None
    assert (video.parameters.bit_depth, video.parameters.interlace_mode) == (8, "progressive")
    assert (video.parameters.horiz_chroma_subs, video.parameters.vert_chroma_subs) == (2, 2)
    assert video.parameters.avc_parameters.profile == 100
    assert video.parameters.avc_parameters.level == 10
    assert isinstance(audio.parameters, AudioParameters)
    assert (audio.codec, audio.parameters.sample_rate, audio.parameters.channels) == (
        "audio/aac", 48_000, 2,
    )  # fmt: skip
    assert audio.parameters.codec_parameters.coded_frame_size == 1024
    assert audio.parameters.codec_parameters.mp4_oti == 2
    assert media.origin == 0


def test_both_forms_of_h264_are_described_alike(clip):
    packed, stream = (probe(clip(end, seconds=4)).tracks[0] for end in (".mp4", ".ts"))
    assert packed.parameters.avc_parameters == stream.parameters.avc_parameters is not None


def test_pcm_goes_into_quicktime_and_tells_its_layout(clip):
    audio = probe(clip(".mov", seconds=2, audio=("pcm_s16le",))).tracks[1]
    assert (audio.codec, audio.carrier.mime_type, audio.carrier.extension) == (
        "audio/x-raw-int", "video/quicktime", ".mov",
    )  # fmt: skip
    assert (audio.parameters.bit_depth, audio.parameters.unc_parameters.unc_type) == (
        16, "interleaved",
    )  # fmt: skip


@pytest.mark.parametrize("extension", [".mp4", ".ts", ".mkv"])
@pytest.mark.parametrize("rate", [Fraction(24_000, 1001), Fraction(30_000, 1001), Fraction(50)])
def test_the_frame_rate_is_exact_in_every_container(clip, extension, rate):
    track = probe(clip(extension, seconds=4, rate=rate, audio=())).tracks[0]
    assert track.frame_rate == rate


def test_missing_frames_make_the_rate_vary(clip):
    track = probe(clip(seconds=4, audio=(), uneven=True)).tracks[0]
    assert track.frame_rate is None
    assert (track.parameters.vfr, track.parameters.frame_rate) == (True, None)


def test_a_transport_stream_that_wraps_has_one_beginning(clip):
    late = probe(clip(".ts", seconds=6, begins="95443.7"))
    assert abs(late.origin - Fraction("95443.7")) < Fraction(1, 10)


def test_what_is_no_media_is_named(tmp_path):
    file = tmp_path / "letter.mp4"
    file.write_text("Dear Sir or Madam")
    with pytest.raises(MediaUnreadable, match=r"letter\.mp4: Invalid data"):
        probe(file)
    with pytest.raises(MediaUnreadable, match="No such file"):
        probe(tmp_path / "absent.mp4")
