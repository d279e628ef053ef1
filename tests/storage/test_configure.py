"""TAMS_STORAGE: what it may say, and how a mistake is named."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tams.errors import BadSettings
from tams.storage.configure import build_storages
from tams.storage.places import AzurePlace, S3Place, parse_place
from tams.storage.storages import Storages
from tests.media_server import StoppedClock

ID = "6a8f3f6c-1d51-4f0e-9c0d-0b8f6a1f2e11"


def built(setting: str, folder: Path) -> Storages:
    return build_storages(
        setting, folder / "data", StoppedClock(), url_timeout=3600, url_window=900
    )


def from_toml(text: str, folder: Path) -> Storages:
    path = folder / "storage.toml"
    path.write_text(text)
    return built(str(path), folder)


def test_without_a_setting_there_is_one_folder_in_the_data_folder(tmp_path: Path) -> None:
    storages = built("", tmp_path)
    (storage,) = storages.values()
    assert storages.local[storage.backend.id].root == tmp_path / "data" / "media"
    assert storage.backend.default_storage
    assert storage.backend.store_type == "http_object_store"
    assert (storage.backend.label, storage.backend.provider) == ("local", "local")


def test_the_data_folder_can_be_moved(tmp_path: Path) -> None:
    assert set(built("", tmp_path / "here")) == set(built("", tmp_path / "there"))


def test_one_url_is_one_backend(tmp_path: Path) -> None:
    (storage,) = built((tmp_path / "my media").as_uri(), tmp_path).local.values()
    assert storage.root == tmp_path / "my media"
    assert storage.backend.default_storage


def test_h017_a_setting_says_which_backend_is_the_default(tmp_path: Path) -> None:
    file = tmp_path / "storage.toml"
    file.write_text(
        f'''
        [[backend]]
        url = "file:///srv/fast"
        label = "fast"
        default = true
        [[backend]]
        url = "file:///srv/slow"
        id = "{ID}"
        label = "slow"
        '''
    )

    def default(named: str) -> list[str | None]:
        storages = build_storages(
            str(file),
            tmp_path / "data",
            StoppedClock(),
            url_timeout=3600,
            url_window=900,
            default=named,
        )
        backends = [storage.backend for storage in storages.values()]
        return [backend.label for backend in backends if backend.default_storage]

    assert default("") == ["fast"]
    assert default("slow") == ["slow"]
    assert default(ID) == ["slow"]
    with pytest.raises(BadSettings, match=r"TAMS_DEFAULT_STORAGE: .* fast, slow, not archive"):
        default("archive")


def test_a_file_sets_every_field(tmp_path: Path) -> None:
    storages = from_toml(
        f"""
        [[backend]]
        url = "file:///srv/fast"
        id = "{ID}"
        label = "fast"
        default = true
        provider = "Facility"
        region = "north"
        availability_zone = "room 2"
        store_product = "ZFS"
        tags = {{ tier = "hot", auth_classes = ["news", "sport"] }}
        public_url = "https://media.example/fast/"

        [[backend]]
        url = "file:///srv/slow"
        label = "slow"
        """,
        tmp_path,
    )
    fast, slow = (storage.backend for storage in storages.values())
    assert fast.id == ID
    assert fast.default_storage
    assert (fast.provider, fast.store_product) == ("Facility", "ZFS")
    assert (fast.region, fast.availability_zone) == ("north", "room 2")
    assert fast.tags == {"tier": "hot", "auth_classes": ("news", "sport")}
    assert fast.public_url == "https://media.example/fast"
    assert not slow.default_storage
    assert slow.public_url is None
    assert storages.labels == {"fast", "slow"}


def test_json_may_hold_the_list_alone(tmp_path: Path) -> None:
    backends = [{"url": "file:///srv/one"}, {"url": "file:///srv/two"}]
    path = tmp_path / "storage.json"
    ids = []
    for content in (backends, {"backend": backends}):
        path.write_text(json.dumps(content))
        ids.append(list(built(str(path), tmp_path)))
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 2


def test_an_id_left_out_follows_from_the_folder(tmp_path: Path) -> None:
    one, same, other = (
        next(iter(built(url, tmp_path))) for url in ("file:///a", "file:///a/", "file:///b")
    )
    assert one == same != other


def test_an_only_backend_is_the_default_unless_it_says_no(tmp_path: Path) -> None:
    for text, default in (("", True), ("default = false", False)):
        (storage,) = from_toml(f'[[backend]]\nurl = "file:///a"\n{text}', tmp_path).values()
        assert storage.backend.default_storage is default


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ('url = "s3://bucket?endpoint=x"', "url: endpoint: .*http://"),
        ('url = "s3://bucket?endpoint=http://a:b@c"', "url: endpoint: .*http://"),
        ('url = "s3://key:secret@bucket?region=here"', "url: .*credentials lie elsewhere$"),
        ('url = "s3://bucket?region=here&secret_key=x"', "url: .*each once, not secret_key$"),
        ('url = "s3://bucket?region=a&region=b"', "url: .*each once$"),
        ('url = "s3://bucket?region="', "url: .*each once$"),
        ('url = "s3://bucket"', "url: region: it must be given"),
        ('url = "s3://bucket?region=a%2Fb"', "url: region: .*letters"),
        ('url = "s3://bucket?region=a&style=dns"', "url: style: it must be path or virtual"),
        ('url = "s3://bucket/a/../b?region=a"', "url: its path"),
        ('url = "s3://Bucket?region=a&style=virtual"', "url: style: it must be path .*capitals$"),
        ('url = "az://media"', "url: account: it must be given"),
        ('url = "az://media?account=a:b"', "url: account: .*small letters"),
        ('url = "az://key@media?account=facility"', "url: .*keys lie elsewhere$"),
        ('url = "ftp://host/folder"', "url: ftp scheme: only file://, s3://, gs://, az:// are"),
        ('url = "/srv/media"', "url: .*no scheme"),
        ('url = "file://host/srv"', "url: .*absolute path"),
        ('url = "file:///"', "url: .*absolute path"),
        ('url = "file:///a?x=1"', "url: .*absolute path"),
        ("url = 5", "url: .*string.*not 5"),
        ('label = "x"', "url: Field required"),
        ('url = "file:///a"\nid = "6A8F3F6C-1D51-4F0E-9C0D-0B8F6A1F2E11"', "id: .*pattern"),
        ('url = "file:///a"\nlabel = ""', "label: .*at least 1"),
        ('url = "file:///a"\ndefault = "yes"', "default: .*boolean"),
        ('url = "file:///a"\ntags = { a = 5 }', "tags.a"),
        ('url = "file:///a"\npublic_url = "ftp://x"', "public_url: .*pattern"),
        ('url = "file:///a"\npublic_url = "http://x/\\"y"', "public_url: .*pattern"),
        ('url = "file:///a"\nbucket = "x"', "bucket: Extra inputs"),
    ],
)
def test_a_mistake_names_backend_and_field(tmp_path: Path, table: str, named: str) -> None:
    text = f'[[backend]]\nurl = "file:///srv/first"\n[[backend]]\n{table}'
    with pytest.raises(BadSettings, match=rf"storage\.toml, line 3: backend 2( \(.*\))?: {named}"):
        from_toml(text, tmp_path)


@pytest.mark.parametrize(
    ("first", "second", "named"),
    [
        ('url = "file:///a"', 'url = "file:///a"', "url: its place"),
        ('url = "file:///a"', 'url = "file:///a/b/../c"', "url: its place"),
        (f'id = "{ID}"\nurl = "file:///a"', f'id = "{ID}"\nurl = "file:///b"', f"id: {ID}"),
        ('label = "x"\nurl = "file:///a"', 'label = "x"\nurl = "file:///b"', "label: x"),
        ('url = "s3://media?region=x"', 'url = "s3://media/b?region=x"', "url: its place"),
        (
            'url = "s3://media/b/c?region=x"',
            'url = "s3://media/b/?region=x&style=path"',
            "url: its place",
        ),
        ('default = true\nurl = "file:///a"', 'default = true\nurl = "file:///b"', "default:"),
    ],
)
def test_backends_must_differ(tmp_path: Path, first: str, second: str, named: str) -> None:
    with pytest.raises(BadSettings, match=rf"line [345]: backend 2( \(.*\))?: {named}"):
        from_toml(f"[[backend]]\n{first}\n[[backend]]\n{second}", tmp_path)


@pytest.mark.parametrize("text", ["", "backend = []", "[backend]\nurl = 'x'", "x = 1", "{"])
def test_a_file_without_backends_stops_the_start(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadSettings, match=r"TAMS_STORAGE .*storage\.toml"):
        from_toml(text, tmp_path)


def test_a_missing_file_and_another_url_stop_the_start(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"TAMS_STORAGE .*none\.toml: No such file"):
        built(str(tmp_path / "none.toml"), tmp_path)
    with pytest.raises(BadSettings, match=r"TAMS_STORAGE: url: ftp scheme"):
        built("ftp://bucket", tmp_path)


def test_a_mistake_in_json_names_its_line_too(tmp_path: Path) -> None:
    path = tmp_path / "storage.json"
    right = {"url": "file:///a", "tags": {"list": ["[", "]"]}}
    path.write_text(json.dumps({"backend": [right, {"url": "file:///b", "labels": 1}]}, indent=1))
    with pytest.raises(BadSettings, match=r"storage\.json, line 12: backend 2: labels: Extra"):
        built(str(path), tmp_path)
    path.write_text(json.dumps([right, 5], indent=1))
    with pytest.raises(BadSettings, match=r"storage\.json, line 11: backend 2 \(no table\)"):
        built(str(path), tmp_path)


def test_where_lines_cannot_be_told_the_backend_is_named_alone(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"storage\.toml: backend 2: url: no scheme"):
        from_toml('backend = [{url = "file:///a"}, {url = "b"}]', tmp_path)


@pytest.mark.parametrize(
    ("url", "named", "reached"),
    [
        ("s3://media?region=eu-west-1", "s3://media/", "https://media.s3.eu-west-1.amazonaws.com"),
        ("s3://my.media?region=eu-west-1", "", "https://s3.eu-west-1.amazonaws.com/my.media"),
        ("s3://media?region=cn-north-1", "", "https://media.s3.cn-north-1.amazonaws.com.cn"),
        ("s3://media/a%20b/c?endpoint=http://s3:9000", "a b/c/", "http://s3:9000/media"),
        ("s3://media?endpoint=https://s3.here&style=virtual", "", "https://media.s3.here"),
        ("s3://Media?endpoint=http://MinIO:9000/S3", "", "http://minio:9000/S3/Media"),
        ("s3://Media?region=us-east-1", "", "https://s3.us-east-1.amazonaws.com/Media"),
    ],
)
def test_a_bucket_is_reached_by_host_or_path(url: str, named: str, reached: str) -> None:
    place = parse_place(url)
    assert isinstance(place, S3Place)
    assert place.bucket.url == place.public.url == reached
    assert named in str(place)


def test_clients_may_reach_a_bucket_by_another_host(tmp_path: Path) -> None:
    url = "s3://media/a?endpoint=http://minio:9000&public_endpoint=https://media.example"
    place = parse_place(url)
    assert isinstance(place, S3Place)
    assert (place.bucket.host, place.public.host) == ("minio:9000", "media.example")
    (storage,) = built(url, tmp_path).values()
    assert (storage.backend.label, storage.backend.provider) == ("s3", "s3")
    assert storage.backend.store_product == "s3"


def test_an_id_left_out_follows_from_service_bucket_and_prefix(tmp_path: Path) -> None:
    one, same, other, elsewhere = (
        next(iter(built(f"s3://media/{rest}", tmp_path)))
        for rest in (
            "a?endpoint=http://s3",
            "a/?endpoint=http://s3/&region=here&style=virtual&profile=x",
            "b?endpoint=http://s3",
            "a?endpoint=http://s4",
        )
    )
    assert one == same
    assert len({one, other, elsewhere}) == 3


def test_google_is_reached_as_an_s3_service(tmp_path: Path) -> None:
    place = parse_place("gs://media/a")
    assert isinstance(place, S3Place)
    assert place.bucket.url == "https://storage.googleapis.com/media"
    (storage,) = built("gs://media/a", tmp_path).values()
    assert (storage.backend.provider, storage.backend.label) == ("gcp", "gs")
    assert storage.backend.store_product == "google-cloud-storage"


def test_azure_is_reached_by_the_account(tmp_path: Path) -> None:
    place = parse_place("az://media/a?account=facility&public_endpoint=https://media.example")
    assert isinstance(place, AzurePlace)
    assert place.container.endpoint == "https://facility.blob.core.windows.net"
    assert place.public.endpoint == "https://media.example"
    assert not place.overlaps(parse_place("az://media/a?account=another"))
    assert place.overlaps(parse_place("az://media?account=facility"))


def test_kinds_may_stand_side_by_side(tmp_path: Path) -> None:
    text = """
        [[backend]]
        url = "file:///a"
        [[backend]]
        url = "s3://media?region=eu-west-1"
        provider = "Facility"
        default = true"""
    storages = from_toml(text, tmp_path)
    assert [storage.backend.provider for storage in storages.values()] == ["local", "Facility"]
    assert len(storages.local) == 1


def test_urls_may_not_outlive_what_s3_allows(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"TAMS_MIN_PRESIGNED_URL_TIMEOUT.*604800"):
        build_storages(
            "s3://media?region=here", tmp_path, StoppedClock(), url_timeout=604_000, url_window=900
        )


@pytest.mark.parametrize(
    "table",
    [
        'url = "s3://media?region=here"\nsecret_access_key = "S3CR3T"',
        'secret_key = "S3CR3T"',
        'url = "file:///a"\npublic_url = "https://me:S3CR3T@host"',
        'url = "s3://key:S3CR3T@media?region=here"',
        'url = ["S3CR3T"]',
    ],
)
def test_a_mistake_repeats_nothing_that_may_be_a_secret(tmp_path: Path, table: str) -> None:
    with pytest.raises(BadSettings) as mistake:
        from_toml(f"[[backend]]\n{table}", tmp_path)
    assert "S3CR3T" not in str(mistake.value)


@pytest.mark.parametrize(
    ("url", "missing", "extra"),
    [
        ("s3://media?region=here", "botocore", "s3"),
        ("s3://media?region=here", "obstore", "s3"),
        ("az://media?account=facility", "obstore", "azure"),
    ],
)
def test_what_a_kind_needs_is_missed_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, missing: str, extra: str
) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "a2V5")
    for name in ("s3", "azure", "remote", "s3_copies"):
        monkeypatch.delitem(sys.modules, f"tams.storage.{name}", raising=False)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(
        BadSettings, match=rf"needs {missing}: pip install 'tams-server\[{extra}\]'"
    ):
        built(url, tmp_path)
