"""Clips, made once for all tests of media."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tams.media.cut import CutObject, cut
from tams.media.join import Joined, join
from tams.media.lanes import Lane, Piece
from tams.media.probe import Media, Track, probe
from tests.clips import Clip, write_clip


@pytest.fixture(scope="session")
def clip(tmp_path_factory):
    """Return a function that gives the path of a clip, made on first need."""
    folder = tmp_path_factory.mktemp("clips")
    made: dict[tuple[str, str], Path] = {}

    def get(extension: str = ".mp4", **wishes) -> Path:
        key = extension, repr(sorted(wishes.items()))
        if key not in made:
            made[key] = write_clip(folder / f"{len(made)}{extension}", Clip(**wishes))
        return made[key]

    return get


@dataclass
class Cutting:
    """A file whose tracks are cut."""

    media: Media
    tracks: dict[int, list[CutObject]]

    def of(self, kind: str, number: int = 0) -> list[CutObject]:
        """Return the Objects of a track."""
        return self.tracks[[t for t in self.media.tracks if t.kind == kind][number].index]

    def join(self, out: Path, *tracks: Track) -> Joined:
        """Join some of the tracks, all if none is named."""
        lanes = [Lane(pieces=pieces(self.tracks[t.index])) for t in tracks or self.media.tracks]
        return join(lanes, out)


def whole_file(item: CutObject) -> Path:
    """Return a file that can be read, behind its init segment where it needs that."""
    if item.init is None:
        return item.path
    path = item.path.with_suffix(".mp4")
    path.write_bytes(item.init + item.path.read_bytes())
    return path


def pieces(objects: list[CutObject]) -> list[Piece]:
    return [
        Piece(
            path=whole_file(item),
            timerange=item.timerange,
            ts_offset=item.ts_offset,
            object_timerange=item.object_timerange,
        )
        for item in objects
    ]


@pytest.fixture
def cutting(tmp_path):
    """Return a function that cuts every track of a file."""

    def run(path: Path, *, fragmented: bool = False, **options) -> Cutting:
        media = probe(path, fragmented=fragmented)
        folder = tmp_path / "objects"
        folder.mkdir(exist_ok=True)
        tracks = {t.index: list(cut(media, t, folder, **options)) for t in media.tracks}
        return Cutting(media, tracks)

    return run
