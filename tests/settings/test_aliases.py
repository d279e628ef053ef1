"""Names of the vendor's documents: what each of them is here."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tams.errors import BadSettings
from tams.settings import load_settings
from tams.settings.aliases import KNOWN, RENAMED
from tams.settings.idle import IDLE

BUCKET = {
    "S3_ENDPOINT_URL": "http://localhost:9000",
    "S3_ACCESS_KEY_ID": "key",
    "S3_SECRET_ACCESS_KEY": "quiet",
    "S3_BUCKET_NAME": "tams-segments",
}
VAST = {
    "VAST_ENDPOINT": "http://localhost:8080",
    "VAST_ACCESS_KEY": "key",
    "VAST_SECRET_KEY": "quiet",
}
SECRET = "one of thirty-two bytes or longer"


@pytest.fixture
def dotenv(tmp_path):
    """Read settings from a `.env` that says this, and an environment."""

    def read(environment=None, **lines):
        text = "\n".join(f"{name}={value}" for name, value in lines.items())
        (tmp_path / ".env").write_text(text)
        return load_settings(environment or {}, tmp_path, config=tmp_path / "none")

    return read


def of_environment(**variables):
    return load_settings(variables | {"TAMS_ENV_FILE": "", "TAMS_CONFIG": ""}, Path())


def test_h001_h002_host_and_port(dotenv):
    settings = dotenv(HOST="0.0.0.0", PORT="9000").settings
    assert (settings.host, settings.port) == ("0.0.0.0", 9000)
    assert dotenv().settings.port == 8000
    # What a shell says of itself moves nothing; a platform says by PORT where to listen.
    settings = of_environment(HOST="laptop", PORT="9000").settings
    assert (settings.host, settings.port) == ("127.0.0.1", 9000)


def test_h003_h004_h006_how_much_is_logged(dotenv):
    assert dotenv().settings.log_level == "INFO"
    assert dotenv(LOG_LEVEL="warning").settings.log_level == "WARNING"
    assert dotenv(DEBUG="true").settings.log_level == "DEBUG"
    assert dotenv(DEBUG="false").settings.log_level == "INFO"
    assert dotenv(ENVIRONMENT="development").settings.log_level == "DEBUG"
    assert dotenv(ENVIRONMENT="production").settings.log_level == "INFO"
    assert dotenv(ENVIRONMENT="development", LOG_LEVEL="ERROR").settings.log_level == "ERROR"
    with pytest.raises(BadSettings, match="LOG_LEVEL in "):
        dotenv(LOG_LEVEL="LOUD")


def test_h005_how_lines_are_written(dotenv):
    assert dotenv(LOG_FORMAT="json").settings.log_format == "json"
    assert dotenv(LOG_FORMAT='"%(asctime)s %(message)s"').settings.log_format == "text"


@pytest.mark.parametrize("name", VAST)
def test_h007_h008_h009_h010_a_catalogue_in_vast_is_not_there_yet(dotenv, name):
    with pytest.raises(BadSettings, match=r"^VAST_ENDPOINT.* is not there yet; set TAMS_CATALOGUE"):
        dotenv(**VAST, VAST_BUCKET="tams-bucket", VAST_SCHEMA="tams-schema")
    part = {key: value for key, value in VAST.items() if key != name}
    with pytest.raises(BadSettings, match=rf"^{name}: it is missing beside VAST_"):
        dotenv(part, VAST_SCHEMA="tams-schema")
    with pytest.raises(BadSettings, match=r"^VAST_ENDPOINT: it is missing beside VAST_BUCKET"):
        dotenv(VAST_BUCKET="tams-bucket")
    assert dotenv(VAST, TAMS_CATALOGUE="sqlite:///x").settings.catalogue == "sqlite:///x"


def test_h012_h013_s3_names_make_a_storage_together():
    settings = of_environment(**BUCKET).settings
    assert settings.storage == "s3://tams-segments/?endpoint=http%3A%2F%2Flocalhost%3A9000"
    assert settings.s3_access_key_id == "key"
    assert settings.s3_secret_access_key.get_secret_value() == "quiet"
    assert "quiet" not in repr(settings)
    # An endpoint without a scheme is asked by https unless that is refused.
    for said, scheme in (
        ({}, "https"),
        ({"S3_USE_SSL": "true"}, "https"),
        ({"S3_USE_SSL": "0"}, "http"),
    ):
        url = of_environment(**BUCKET | {"S3_ENDPOINT_URL": "store:9000"} | said).settings.storage
        assert parse_qs(urlsplit(url).query) == {"endpoint": [f"{scheme}://store:9000"]}
    with pytest.raises(BadSettings, match=r"^S3_USE_SSL: it is true, but S3_ENDPOINT_URL"):
        of_environment(**BUCKET, S3_USE_SSL="true")
    with pytest.raises(BadSettings, match=r"^S3_USE_SSL: it must be true or false"):
        of_environment(**BUCKET, S3_USE_SSL="perhaps")


def test_s3_without_an_endpoint_is_that_of_a_region():
    settings = of_environment(S3_BUCKET_NAME="tams", S3_REGION="eu-west-1").settings
    assert settings.storage == "s3://tams/?region=eu-west-1"
    assert settings.s3_access_key_id == ""


@pytest.mark.parametrize(
    ("missing", "beside"),
    [
        ("S3_ENDPOINT_URL", "S3_BUCKET_NAME"),
        ("S3_BUCKET_NAME", "S3_ENDPOINT_URL"),
        ("S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"),
        ("S3_SECRET_ACCESS_KEY", "S3_ACCESS_KEY_ID"),
    ],
)
def test_a_part_that_is_missing_is_named(missing, beside):
    part = {name: value for name, value in BUCKET.items() if name != missing}
    with pytest.raises(BadSettings, match=f"^{missing}: it is missing beside {beside}$"):
        of_environment(**part)
    with pytest.raises(BadSettings, match=f"^{missing}: it is missing"):
        of_environment(**part, **{missing: " "})


def test_keys_alone_are_somebody_elses():
    keys = {name: value for name, value in BUCKET.items() if "KEY" in name}
    settings = of_environment(**keys).settings
    assert (settings.storage, settings.s3_access_key_id) == ("", "")


def test_our_own_name_wins_from_any_source(dotenv):
    settings = dotenv(BUCKET | {"PORT": "9000"}, TAMS_STORAGE="s3://own?region=x", TAMS_PORT="1")
    assert settings.settings.storage == "s3://own?region=x"
    assert settings.settings.s3_access_key_id == ""
    assert settings.settings.port == 1
    # A name that is there but empty, as env.example has it, is not set.
    assert dotenv(BUCKET, TAMS_STORAGE="").settings.storage.startswith("s3://tams-segments/")


def test_h015_h016_how_long_urls_are_good():
    up, down = "S3_PRESIGNED_URL_UPLOAD_TIMEOUT", "S3_PRESIGNED_URL_DOWNLOAD_TIMEOUT"
    assert of_environment().settings.min_presigned_url_timeout == 3600
    assert of_environment(**{up: "600"}).settings.min_presigned_url_timeout == 600
    assert of_environment(**{down: "700"}).settings.min_presigned_url_timeout == 700
    assert of_environment(**{up: "600", down: "700"}).settings.min_presigned_url_timeout == 700
    with pytest.raises(BadSettings, match=f"^{up}: it must be a whole number"):
        of_environment(**{up: "long"})
    with pytest.raises(BadSettings, match=f"^{up}: "):
        of_environment(**{up: "1"})


def test_h017_which_backend_is_the_default(dotenv):
    assert dotenv(DEFAULT_STORAGE_BACKEND_ID="archive").settings.default_storage == "archive"
    assert dotenv(DEFAULT_STORAGE_BACKEND_ID="default").settings.default_storage == ""


def test_h018_how_many_urls_are_shown(dotenv):
    assert dotenv(GET_URLS_MAX_COUNT="5").settings.get_urls_max == 5
    assert dotenv().settings.get_urls_max == 0


@pytest.mark.parametrize("name", ["TAMS_STORAGE_PATH", "S3_TAMS_ROOT"])
@pytest.mark.parametrize(
    ("path", "prefix"),
    [("tams", ""), ("/tams", ""), ("studio", "studio"), ("/a/b/tams/", "a/b"), ("a b", "a%20b")],
)
def test_h019_what_keys_begin_with(name, path, prefix):
    settings = of_environment(**BUCKET, **{name: path}).settings
    assert urlsplit(settings.storage).path == f"/{prefix}"
    reading = of_environment(**{name: path})
    assert reading.settings.storage == ""
    assert [*reading.notes] == (
        [f"{name} changes nothing: keys begin below the URL in TAMS_STORAGE"] if prefix else []
    )


def test_h020_projections_are_for_a_catalogue_in_vast():
    assert of_environment(TAMS_ENABLE_TABLE_PROJECTIONS="false").notes == ()
    [note] = of_environment(TAMS_ENABLE_TABLE_PROJECTIONS="true").notes
    assert note.startswith("TAMS_ENABLE_TABLE_PROJECTIONS changes nothing: ")
    assert "not there yet" in note


def test_h020_projections_without_the_prefix(dotenv):
    [note] = dotenv(ENABLE_TABLE_PROJECTIONS="true").notes
    assert note.startswith("ENABLE_TABLE_PROJECTIONS in ")


def test_h021_from_how_many_segments_a_deletion_goes_on_behind_its_answer(dotenv):
    assert of_environment().settings.async_deletion_threshold == 1000
    settings = of_environment(TAMS_ASYNC_DELETION_THRESHOLD="5").settings
    assert settings.async_deletion_threshold == 5
    assert dotenv(ASYNC_DELETION_THRESHOLD="6").settings.async_deletion_threshold == 6


def test_h022_h023_no_check_can_be_turned_off(dotenv):
    switches = [name for name in IDLE if name.endswith("_VALIDATION")]
    assert len(switches) == 4
    met = {"TAMS_COMPLIANCE_MODE": "true", "TAMS_VALIDATION_LEVEL": "strict"}
    assert dotenv(**met, **dict.fromkeys(switches, "true")).notes == ()
    unmet = {"TAMS_COMPLIANCE_MODE": "false", "TAMS_VALIDATION_LEVEL": "minimal"}
    notes = dotenv(**unmet, **dict.fromkeys(switches, "false")).notes
    assert len(notes) == 6
    assert all("every request is held to the standard" in note for note in notes)
    with pytest.raises(BadSettings, match=r"TAMS_VALIDATION_LEVEL.*strict, relaxed, minimal"):
        dotenv(TAMS_VALIDATION_LEVEL="none")


def test_h024_what_is_reported():
    notes = of_environment(TAMS_ERROR_REPORTING="true", TAMS_AUDIT_LOGGING="true").notes
    assert [note.partition(" ")[0] for note in notes] == ["TAMS_AUDIT_LOGGING"]
    [note] = of_environment(TAMS_ERROR_REPORTING="false").notes
    assert "every error is told" in note


def test_h025_nothing_is_cached():
    assert of_environment(TAMS_CACHE_ENABLED="false").notes == ()
    [enabled, lives] = of_environment(TAMS_CACHE_ENABLED="true", TAMS_CACHE_TTL="300").notes
    assert "every answer is read from the catalogue" in enabled
    assert lives.startswith("TAMS_CACHE_TTL changes nothing")
    for wrong in ("-1", "86401", "long"):
        with pytest.raises(BadSettings, match=r"^TAMS_CACHE_TTL: .* from 0 to 86400"):
            of_environment(TAMS_CACHE_TTL=wrong)
    of_environment(TAMS_CACHE_TTL="86400")


def test_h027_the_secret_of_tokens_and_how_long_they_are_good(dotenv):
    settings = dotenv(SECRET_KEY=SECRET, ALGORITHM="HS256", ACCESS_TOKEN_EXPIRE_MINUTES="30")
    assert settings.settings.jwt_secret.get_secret_value() == SECRET
    assert settings.settings.token_lifetime == 1800
    with pytest.raises(BadSettings, match=r"^SECRET_KEY in .* 32 bytes"):
        dotenv(SECRET_KEY="short")
    with pytest.raises(BadSettings, match=r"^ALGORITHM in .* HS256 alone"):
        dotenv(SECRET_KEY=SECRET, ALGORITHM="none")
    with pytest.raises(BadSettings, match=r"^ACCESS_TOKEN_EXPIRE_MINUTES in .* whole number"):
        dotenv(ACCESS_TOKEN_EXPIRE_MINUTES="half")
    assert of_environment(SECRET_KEY=SECRET).settings.jwt_secret.get_secret_value() == ""


def test_h028_which_pages_may_ask(dotenv):
    settings = dotenv(
        CORS_ORIGINS='["https://a.example", "https://b.example"]',
        CORS_ALLOW_CREDENTIALS="true",
        CORS_ALLOW_METHODS="GET,HEAD",
        CORS_ALLOW_HEADERS='["*"]',
    ).settings
    assert settings.cors_origins == "https://a.example,https://b.example"
    assert settings.cors_methods == "GET,HEAD"
    assert settings.cors_headers == "*"
    assert settings.cors_credentials
    with pytest.raises(BadSettings, match="name the sites"):
        dotenv(CORS_ORIGINS='["*"]', CORS_ALLOW_CREDENTIALS="true")
    with pytest.raises(BadSettings, match=r"^CORS_ORIGINS in .* list of JSON"):
        dotenv(CORS_ORIGINS='[*"]')


def test_h031_telemetry_is_not_there_yet(dotenv):
    names = ["TELEMETRY_ENABLED", "METRICS_ENABLED", "TRACING_ENABLED"]
    assert dotenv(**dict.fromkeys(names, "false")).notes == ()
    asked = dict.fromkeys(names, "true") | dict.fromkeys(["JAEGER_ENDPOINT", "OTLP_ENDPOINT"], "x")
    notes = dotenv(**asked).notes
    assert len(notes) == 5
    assert all("no such telemetry data yet" in note for note in notes)


def test_c014_how_long_receivers_have_and_how_often_they_are_tried(dotenv):
    reading = dotenv(WEBHOOK_TIMEOUT="30", WEBHOOK_RETRY_ATTEMPTS="3")
    assert reading.settings.webhook_timeout == 30
    [note] = reading.notes
    assert note.startswith("WEBHOOK_RETRY_ATTEMPTS in ")
    assert "TAMS_WEBHOOK_GIVE_UP" in note


def test_names_that_mean_anything_are_left_to_others(dotenv):
    common = {name: "x" for name in KNOWN if not name.startswith(("S3_", "VAST_", "TAMS_"))}
    reading = of_environment(**{name: x for name, x in common.items() if name != "PORT"})
    assert reading == of_environment()


def test_a_file_of_the_documents_is_understood(tmp_path):
    table = {
        "host": "0.0.0.0",
        "debug": True,
        "s3_endpoint_url": "http://localhost:9000",
        "S3_BUCKET_NAME": "tams",
        "s3_use_ssl": False,
        "tams_storage_path": "tams",
        "cors_origins": ["https://a.example"],
        "tams_cache_ttl": 300,
        "access_token_expire_minutes": 30,
    }
    (tmp_path / "config.json").write_text(json.dumps(table))
    reading = load_settings({}, tmp_path, config=tmp_path / "config.json")
    settings = reading.settings
    assert settings.host == "0.0.0.0"
    assert settings.log_level == "DEBUG"
    assert settings.storage.startswith("s3://tams/?endpoint=")
    assert settings.cors_origins == "https://a.example"
    assert settings.token_lifetime == 1800
    [note] = reading.notes
    assert note.startswith("tams_cache_ttl in ")


def test_every_other_name_of_a_setting_is_one_of_ours():
    reading = of_environment()
    assert set(RENAMED.values()) <= set(type(reading.settings).model_fields)
