"""Where values come from: the environment, `.env`, a file of settings, and the defaults.

An earlier source wins over a later one, and our own name, in whichever source, over a name of the
vendor's documents.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from tams.errors import BadSettings
from tams.settings.aliases import KNOWN, is_read_from_environment, translate
from tams.settings.fields import Settings
from tams.settings.files import is_there, read_dotenv, read_table
from tams.settings.values import Found

PREFIX = "TAMS_"
ENV_FILE = "TAMS_ENV_FILE"
CONFIG = "TAMS_CONFIG"
DEFAULT_CONFIG = Path("/etc/tams/config.json")

IGNORED = frozenset(
    {
        ENV_FILE,
        CONFIG,
        "TAMS_SPEC_DIR",
        "TAMS_PROOF",
        "TAMS_API_BASE_URL",
        "TAMS_API_TOKEN",
        "TAMS_API_TOKEN_URL",
        "TAMS_API_CLIENT_ID",
        "TAMS_API_CLIENT_SECRET",
    }
)
"""Names of the sources, the tests and the client commands."""


class Reading(NamedTuple):
    """The settings; by name where each stands that is no default; and what to tell the operator."""

    settings: Settings
    places: Mapping[str, str]
    notes: tuple[str, ...]


class Source(NamedTuple):
    """What one source says: by the names of our settings, and by names of the documents."""

    own: Mapping[str, Found]
    others: Mapping[str, Found]


def read_settings(environment: Mapping[str, str], **overrides: object) -> Settings:
    """Settings from the environment alone; `overrides` that are not None win.

    Raises `BadSettings` that names the variable, also for a name that means nothing.
    """
    return _read([_of_environment(environment)], overrides).settings


def load_settings(
    environment: Mapping[str, str],
    folder: Path,
    overrides: Mapping[str, object] | None = None,
    *,
    config: Path = DEFAULT_CONFIG,
) -> Reading:
    """Settings from all sources; `overrides` that are not None win.

    `.env` is looked for in `folder`; TAMS_ENV_FILE names another, or none if it is empty. The file
    of settings is the one that TAMS_CONFIG names, else `config` if it is there. Raises
    `BadSettings`.
    """
    return _read(_sources(environment, folder, config), overrides or {})


def load_one(name: str, environment: Mapping[str, str], folder: Path) -> str:
    """One setting whose name the documents do not know, whatever the others are; "" if unset."""
    sources = _sources(environment, folder, DEFAULT_CONFIG)
    return next((one.own[name].text for one in sources if name in one.own), "")


def _sources(environment: Mapping[str, str], folder: Path, config: Path) -> Sequence[Source]:
    sources = [_of_environment(environment)]
    named = environment.get(CONFIG)
    dotenv = folder / environment.get(ENV_FILE, ".env")
    if environment.get(ENV_FILE, ".env") and (ENV_FILE in environment or is_there(dotenv)):
        lines = read_dotenv(dotenv)
        sources.append(_of_dotenv(lines, dotenv))
        named = lines.get(CONFIG) if named is None else named
    if named:
        sources.append(_of_file(folder / named))
    elif named is None and is_there(config):
        sources.append(_of_file(config))
    return sources


def _of_environment(environment: Mapping[str, str]) -> Source:
    read = {
        name: value
        for name, value in environment.items()
        if name.startswith(PREFIX) or is_read_from_environment(name)
    }
    return _sorted((name, Found(value, name)) for name, value in read.items())


def _of_dotenv(lines: Mapping[str, str], path: Path) -> Source:
    """What in it is no name of ours is for others that read it too."""
    read = {name: line for name, line in lines.items() if name.startswith(PREFIX) or name in KNOWN}
    return _sorted((name, Found(value, f"{name} in {path}")) for name, value in read.items())


def _of_file(path: Path) -> Source:
    """Names may be written small, and ours without the prefix; each must mean something."""
    found: list[tuple[str, Found]] = []
    for key, value in read_table(path).items():
        name = key.upper()
        is_field = key.lower() in Settings.model_fields
        known = not is_field and (name in KNOWN or name.startswith(PREFIX))
        joined = _joined(value) if known or is_field else value
        found.append((name if known else f"{PREFIX}{name}", Found(joined, f"{key} in {path}")))
    return _sorted((name, one) for name, one in found if one.value is not None)


def _joined(value: object) -> object:
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ",".join(value)
    return value


def _sorted(given: Iterator[tuple[str, Found]]) -> Source:
    own: dict[str, Found] = {}
    others: dict[str, Found] = {}
    for name, found in given:
        if name in KNOWN:
            others[name] = found
        elif name not in IGNORED:
            own[name.removeprefix(PREFIX).lower()] = found
    return Source(own, others)


def _read(sources: Sequence[Source], overrides: Mapping[str, object]) -> Reading:
    own: dict[str, Found] = {
        name: Found(value, f"{PREFIX}{name.upper()}")
        for name, value in overrides.items()
        if value is not None
    }
    others: dict[str, Found] = {}
    for source in sources:
        own = {**source.own, **own}
        others = {**source.others, **others}
    translation = translate(others, {name for name, found in own.items() if found.value != ""})
    found = {**own, **translation.found}
    try:
        settings = Settings.model_validate({name: one.value for name, one in found.items()})
    except ValidationError as refusal:
        told = (_complaint(error, found) for error in refusal.errors())
        raise BadSettings("; ".join(told)) from None
    return Reading(settings, {name: one.place for name, one in found.items()}, translation.notes)


def _complaint(error: Mapping[str, object], found: Mapping[str, Found]) -> str:
    where = error["loc"]
    said = str(error["msg"]).removeprefix("Value error, ")
    if not isinstance(where, tuple) or not where:
        return said
    place = found[str(where[0])].place
    return f"{place}: {'there is no such setting' if error['type'] == 'extra_forbidden' else said}"
