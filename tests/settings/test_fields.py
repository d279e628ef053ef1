"""What may be set; what cannot be meant stops the start."""

from __future__ import annotations

import pytest

from tams.errors import BadSettings
from tams.settings import read_settings


def test_defaults_keep_to_this_machine():
    settings = read_settings({})
    assert settings.host == "127.0.0.1"
    assert settings.is_loopback
    assert settings.catalogue_url == "sqlite:///data/catalogue.sqlite"


def test_environment_is_read():
    settings = read_settings({"TAMS_PORT": "9000", "TAMS_DATA_DIR": "/srv/tams", "OTHER": "x"})
    assert settings.port == 9000
    assert settings.catalogue_url == "sqlite:////srv/tams/catalogue.sqlite"


def test_an_option_wins_over_its_variable():
    assert read_settings({"TAMS_PORT": "9000"}, port=9001, host=None).port == 9001


def test_names_of_the_tests_are_ignored():
    read_settings({"TAMS_SPEC_DIR": "x", "TAMS_API_BASE_URL": "y"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TAMS_PROT", "9000"),
        ("TAMS_PORT", "many"),
        ("TAMS_PORT", "70000"),
        ("TAMS_AUTH", "jwt"),
        ("TAMS_AUTH", "jwt,basic"),
        ("TAMS_PUBLIC_URL", "ftp://example.com"),
        ("TAMS_MIN_OBJECT_TIMEOUT", "299"),
        ("TAMS_MIN_PRESIGNED_URL_TIMEOUT", "29"),
        ("TAMS_SYNCHRONOUS", "MAYBE"),
        ("TAMS_CORS_ORIGINS", "editor.example"),
        ("TAMS_CORS_ORIGINS", "https://editor.example/path"),
        ("TAMS_LOG_LEVEL", "LOUD"),
        ("TAMS_GET_URLS_MAX", "-1"),
        ("TAMS_CORS_CREDENTIALS", "true"),
        ("TAMS_S3_ACCESS_KEY_ID", "half"),
        ("TAMS_S3_SECRET_ACCESS_KEY", "half"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_named(name, value):
    with pytest.raises(BadSettings, match=name):
        read_settings({name: value})


def test_urls_must_not_outlive_unregistered_objects():
    with pytest.raises(BadSettings, match="TAMS_MIN_PRESIGNED_URL_TIMEOUT"):
        read_settings({"TAMS_MIN_PRESIGNED_URL_TIMEOUT": "8000"})


@pytest.mark.parametrize("shared", [{"TAMS_WORKERS": "2"}, {"TAMS_BACKGROUND": "false"}])
def test_a_catalogue_in_memory_belongs_to_one_process(shared):
    read_settings(shared)
    with pytest.raises(BadSettings, match=next(iter(shared))):
        read_settings({"TAMS_CATALOGUE": "sqlite:///:memory:", **shared})


def test_pages_of_named_sites_may_have_credentials():
    sites = {"TAMS_CORS_ORIGINS": "https://a.example, https://b.example"}
    assert read_settings({**sites, "TAMS_CORS_CREDENTIALS": "true"}).cors_credentials
    with pytest.raises(BadSettings, match="TAMS_CORS_ORIGINS"):
        read_settings({"TAMS_CORS_ORIGINS": "https://a.example, *", "TAMS_CORS_CREDENTIALS": "1"})


def test_a_level_may_be_written_small():
    assert read_settings({"TAMS_LOG_LEVEL": "warning"}).log_level == "WARNING"


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("x.y", False)],
)
def test_loopback(host, loopback):
    assert read_settings({"TAMS_HOST": host}).is_loopback is loopback
