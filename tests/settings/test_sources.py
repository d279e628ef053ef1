"""Where values come from: options, the environment, `.env`, a file, the defaults."""

from __future__ import annotations

import json

import pytest

from tams.errors import BadSettings
from tams.settings import Settings, load_one, load_settings, read_settings


def load(folder, environment=None, config="none", **options):
    """Settings of a folder, with a default file of settings that is not there unless made."""
    reading = load_settings(environment or {}, folder, options, config=folder / config)
    return reading.settings


@pytest.fixture
def everywhere(tmp_path):
    """A folder whose `.env` and file of settings say different things."""
    (tmp_path / ".env").write_text("TAMS_PORT=2\nTAMS_PAGE_DEFAULT=2\nTAMS_PAGE_MAX=22\n")
    table = {"port": 3, "page_default": 3, "page_max": 33, "storage_default": 3}
    (tmp_path / "config.json").write_text(json.dumps(table))
    return tmp_path


def test_h033_environment_beats_file_beats_default(everywhere):
    settings = load(everywhere, {"TAMS_PORT": "1"}, "config.json")
    assert settings.port == 1
    assert settings.page_default == 2
    assert settings.storage_default == 3
    assert settings.storage_max == Settings.model_fields["storage_max"].default
    assert load(everywhere, {"TAMS_PORT": "1"}, "config.json", port=9).port == 9


def test_h033_the_file_is_checked_at_the_start_and_named(tmp_path):
    (tmp_path / "config.json").write_text('{"port": "many"}')
    with pytest.raises(BadSettings, match=r"port in .*config\.json: "):
        load(tmp_path, config="config.json")
    (tmp_path / "config.json").write_text('{"prot": 80}')
    with pytest.raises(BadSettings, match=r"prot in .*config\.json: there is no such setting"):
        load(tmp_path, config="config.json")
    (tmp_path / "config.json").write_text('{"port": 80')
    with pytest.raises(BadSettings, match=r"config\.json: "):
        load(tmp_path, config="config.json")
    (tmp_path / "config.json").write_text('["port"]')
    with pytest.raises(BadSettings, match=r"config\.json: it must hold one table"):
        load(tmp_path, config="config.json")


@pytest.mark.parametrize("key", ["page_default", "TAMS_PAGE_DEFAULT", "tams_page_default"])
def test_a_file_has_the_names_of_the_variables(tmp_path, key):
    (tmp_path / "tams.toml").write_text(f"{key} = 7\n")
    (tmp_path / "tams.json").write_text(json.dumps({key: 7, "port": None}))
    for name in ("tams.toml", "tams.json"):
        assert load(tmp_path, {"TAMS_CONFIG": name}).page_default == 7


def test_a_list_in_a_file_is_a_comma_list(tmp_path):
    sites = ["https://a.example", "https://b.example"]
    (tmp_path / "tams.json").write_text(json.dumps({"cors_origins": sites}))
    settings = load(tmp_path, {"TAMS_CONFIG": "tams.json"})
    assert settings.cors_origins == "https://a.example,https://b.example"


def test_a_file_that_is_named_must_be_there(tmp_path):
    with pytest.raises(BadSettings, match=r"none\.json: No such file"):
        load(tmp_path, {"TAMS_CONFIG": "none.json"})
    with pytest.raises(BadSettings, match=r"none\.env: No such file"):
        load(tmp_path, {"TAMS_ENV_FILE": "none.env"})


def test_files_that_need_not_be_there_are_left_out_if_they_are_not(tmp_path):
    (tmp_path / ".env").mkdir()
    (tmp_path / "file").touch()
    assert load(tmp_path, config="file/config.json") == read_settings({})
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(BadSettings, match="loop: Too many levels of symbolic links"):
        load(tmp_path, config="loop")


def test_files_can_be_left_out(everywhere):
    nothing = {"TAMS_ENV_FILE": "", "TAMS_CONFIG": ""}
    assert load(everywhere, nothing, "config.json") == read_settings({})
    assert load(everywhere, {"TAMS_ENV_FILE": ""}, "config.json").port == 3


def test_dotenv_may_name_the_file(tmp_path):
    (tmp_path / ".env").write_text("TAMS_CONFIG=tams.toml")
    (tmp_path / "tams.toml").write_text("port = 7")
    assert load(tmp_path).port == 7


DOTENV = """
# a comment
TAMS_PORT = 7  # and another
export TAMS_HOST="::1"
TAMS_JWT_SECRET='a # in $QUOTES and "others" 0123456789'
TAMS_JWT_ISSUER="say \\"tams\\""
TAMS_CATALOGUE=
TAMS_PUBLIC_URL=http://a.example/#b
DATABASE_PASSWORD=of others
"""


def test_h035_dotenv_is_read_as_shells_write_it(tmp_path):
    (tmp_path / ".env").write_text(DOTENV)
    settings = load(tmp_path)
    assert settings.port == 7
    assert settings.host == "::1"
    assert settings.jwt_secret.get_secret_value() == 'a # in $QUOTES and "others" 0123456789'
    assert settings.jwt_issuer == 'say "tams"'
    assert settings.catalogue == ""
    assert settings.public_url == "http://a.example/#b"


@pytest.mark.parametrize("line", ["TAMS_PORT", "TAMS_PORT='8", 'TAMS_PORT="8', "= 8", "A='b'c"])
def test_a_line_that_is_none_is_told_by_its_number(tmp_path, line):
    (tmp_path / ".env").write_text(f"# first\n{line}\n")
    with pytest.raises(BadSettings, match=r"\.env, line 2: it must be NAME=value"):
        load(tmp_path)


def test_an_unknown_name_of_ours_in_dotenv_is_told(tmp_path):
    (tmp_path / ".env").write_text("TAMS_PROT=80")
    with pytest.raises(BadSettings, match=r"TAMS_PROT in .*\.env: there is no such setting"):
        load(tmp_path)


def test_what_is_no_text_is_told(tmp_path):
    (tmp_path / ".env").write_bytes(b"TAMS_PORT=\xff")
    with pytest.raises(BadSettings, match=r"\.env: it must be text in UTF-8"):
        load(tmp_path)


def test_one_setting_is_found_whatever_the_others_are(tmp_path):
    (tmp_path / ".env").write_text("TAMS_CREDENTIALS=users.json\nTAMS_AUTH=never")
    assert load_one("credentials", {}, tmp_path) == "users.json"
    assert load_one("credentials", {"TAMS_CREDENTIALS": "other"}, tmp_path) == "other"
    assert load_one("storage", {}, tmp_path) == ""


def test_it_says_where_a_value_stands(everywhere):
    environment = {"TAMS_CONFIG": "config.json", "S3_PRESIGNED_URL_EXPIRY": "60"}
    places = load_settings(environment, everywhere).places
    assert places["port"] == f"TAMS_PORT in {everywhere / '.env'}"
    assert places["storage_default"] == f"storage_default in {everywhere / 'config.json'}"
    assert places["min_presigned_url_timeout"] == "S3_PRESIGNED_URL_EXPIRY"
    assert "host" not in places
