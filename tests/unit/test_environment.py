"""Values of the environment that are written in several ways: put right, or refused with the name of the variable."""

import os
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.values.networks import as_seen, read_network
from server.settings import Settings
from services.settings import MongoSettings, Networks, Origins, ProcessSettings, SettingsError


class ListSettings(ProcessSettings):
    cors_origins: Origins = ()
    forwarded_allow_ips: Networks = ()


def read(**variables: str) -> ListSettings:
    return ListSettings.from_environment(variables)


def faults_of(settings: type[ProcessSettings], **variables: str) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        settings.from_environment(variables)
    return list(raised.value.faults)


ORIGINS = {
    "https://shop.example": "https://shop.example",
    "https://shop.example/": "https://shop.example",
    "HTTPS://Shop.Example": "https://shop.example",
    "https://shop.example:443": "https://shop.example",
    "http://shop.example:80/": "http://shop.example",
    "http://shop.example:443": "http://shop.example:443",
    "http://localhost:5173": "http://localhost:5173",
    "http://127.0.0.1:3000": "http://127.0.0.1:3000",
    "http://[::1]:5173": "http://[::1]:5173",
    "http://[0:0:0::1]": "http://[::1]",
    "https://xn--bcher-kva.example": "https://xn--bcher-kva.example",
    "*": "*",
}
NO_ORIGINS = [
    "shop.example",
    "//shop.example",
    "https://",
    "https:/shop.example",
    "https://shop.example/path",
    "https://shop.example?",
    "https://shop.example#",
    "https://shop.example\\",
    "https://user@shop.example",
    "https://*.shop.example",
    "https://bücher.example",
    "https://shop.example:0x50",
    "https://shop.example:99999",
    "https://shop example",
    "ftp://shop.example",
    "null",
    "*, https://shop.example",
]


@pytest.mark.parametrize("written", ORIGINS)
def test_an_origin_is_read_as_browsers_send_it(written: str) -> None:
    assert read(CORS_ORIGINS=written).cors_origins == (ORIGINS[written],)


@pytest.mark.parametrize("written", NO_ORIGINS)
def test_what_no_browser_sends_is_refused(written: str) -> None:
    [fault] = faults_of(ListSettings, CORS_ORIGINS=written)
    assert fault.startswith("CORS_ORIGINS must be a list of origins")


def test_origins_are_listed_once() -> None:
    written = " https://a.example, ,https://A.example/,https://b.example "
    assert read(CORS_ORIGINS=written).cors_origins == ("https://a.example", "https://b.example")


def test_each_faulty_word_of_a_list_is_named() -> None:
    assert faults_of(ListSettings, FORWARDED_ALLOW_IPS="me, 10.0.0.1, *", CORS_ORIGINS="null") == [
        "CORS_ORIGINS must be a list of origins such as https://shop.example ('null' is none that a browser sends)",
        "FORWARDED_ALLOW_IPS must be a list of IP addresses or networks, not of all ('me' is none)",
        "FORWARDED_ALLOW_IPS must be a list of IP addresses or networks, not of all ('*' is none)",
    ]


NETWORKS = {
    "127.0.0.1": "127.0.0.1/32",
    "127.0.0.1/8": "127.0.0.0/8",
    "10.1.2.3/255.255.0.0": "10.1.0.0/16",
    "::ffff:127.0.0.1": "127.0.0.1/32",
    "::ffff:10.1.2.3/104": "10.0.0.0/8",
    "2001:db8::1/64": "2001:db8::/64",
    "2001:DB8:0:0::1": "2001:db8::1/128",
}


@pytest.mark.parametrize("written", NETWORKS)
def test_a_network_is_read_as_it_is_meant(written: str) -> None:
    assert read(FORWARDED_ALLOW_IPS=written).forwarded_allow_ips == (NETWORKS[written],)


NO_NETWORKS = ["*", "me", "0.0.0.0/0", "::/0", "::ffff:0:0/96", "10.0.0.0/33", "10", "1.2.3.4:80"]


@pytest.mark.parametrize("written", NO_NETWORKS)
def test_what_names_nobody_or_everybody_is_refused(written: str) -> None:
    [fault] = faults_of(ListSettings, FORWARDED_ALLOW_IPS=written)
    assert fault.startswith("FORWARDED_ALLOW_IPS must be a list of IP addresses or networks")


@given(st.ip_addresses(), st.integers(1, 32))
def test_a_network_holds_every_address_it_was_written_with_in_every_form(
    address: IPv4Address | IPv6Address, bits: int
) -> None:
    prefix = bits if isinstance(address, IPv4Address) else 96 + bits
    forms = [f"{address}/{prefix}"]
    if isinstance(address, IPv4Address):
        forms.append(f"::ffff:{address}/{96 + prefix}")
    for form in forms:
        seen = [ip_network(network) for network in as_seen(read_network(form))]
        assert any(address in network for network in seen if network.version == address.version)
        if isinstance(address, IPv4Address):
            mapped = ip_address(f"::ffff:{address}")
            assert any(mapped in network for network in seen if network.version == 6)


BAD_URIS = [
    "http://db",
    "mongodb://",
    "mongodb://db:port/",
    "mongodb://db:70000/",
    "mongodb://user:hunter2@@db/",
    "mongodb://user:hunter2%zz@db/",
    "mongodb://user:hunter2@/",
    "mongodb://[::1/",
    "mongodb://db/a.b",
    "mongodb://db/a%20b",
    "mongodb://db/?replicaSet",
    "mongodb://a,b/?directConnection=true",
    "mongodb://db/?tls=true&tlsCAFile=missing.pem",
]


@pytest.mark.parametrize("uri", BAD_URIS)
def test_a_wrong_mongo_uri_is_a_sentence_without_its_secrets(uri: str) -> None:
    [fault] = faults_of(MongoSettings, MONGO_URI=uri)
    assert fault.startswith("MONGO_URI must ")
    assert "hunter2" not in fault


GOOD_URIS = [
    "mongodb://db",
    "mongodb://user:p%40ss@a:1,b:2/shop?replicaSet=rs",
    "mongodb+srv://cluster.example/shop",
    "mongodb://db/shop?useNewUrlParser=true",
    "mongodb://%2Ftmp%2Fmongodb-27017.sock/shop",
]


@pytest.mark.parametrize("uri", GOOD_URIS)
def test_a_right_mongo_uri_is_taken(uri: str) -> None:
    assert MongoSettings.from_environment({"MONGO_URI": uri}).mongo_uri == uri


def secret(**variables: str) -> MongoSettings:
    return MongoSettings.from_environment(variables)


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    place = tmp_path / "uri"
    place.write_text("mongodb://db.example/shop\n")
    assert secret(MONGO_URI_FILE=str(place)).mongo_uri == "mongodb://db.example/shop"


def test_a_file_and_a_variable_do_not_go_together(tmp_path: Path) -> None:
    [fault] = faults_of(MongoSettings, MONGO_URI="mongodb://db.example/shop", MONGO_URI_FILE=str(tmp_path / "uri"))
    assert fault == "MONGO_URI and MONGO_URI_FILE are both set; one of them has to go"


def test_a_file_that_cannot_be_read_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"mongodb://\xff")
    for name, reason in (("none", "No such file or directory"), ("bytes", "it is no text"), (".", "Is a directory")):
        [fault] = faults_of(MongoSettings, MONGO_URI_FILE=str(tmp_path / name))
        assert fault == f"MONGO_URI_FILE cannot be read: {reason}"


def test_a_blank_file_is_as_good_as_none(tmp_path: Path) -> None:
    (tmp_path / "blank").write_text(" \n")
    [fault] = faults_of(MongoSettings, MONGO_URI_FILE=str(tmp_path / "blank"))
    assert fault.startswith("MONGO_URI is missing")


MISSPELT = {
    "JWT_SECRET": "JWT_SEC",
    "MONGO_URL": "MONGO_URI",
    "MONGODB_URI": "MONGO_URI",
    "ADMIN_API_KEY": "ADMIN_KEY",
    "RATE_LIMITS": "RATE_LIMIT",
    "CORS_ORIGIN": "CORS_ORIGINS",
    "JWT_SEC_FIEL": "JWT_SEC_FILE",
}


@pytest.mark.parametrize("name", MISSPELT)
def test_what_is_nearly_a_setting_is_told_of(name: str) -> None:
    assert Settings.misspelt({name: "x"}) == [f"{name} is not a setting; is {MISSPELT[name]} meant?"]


def test_what_others_put_into_the_environment_is_none_of_ours() -> None:
    theirs = [*os.environ, "KAFKA_PORT", "KAFKA_SERVICE_HOST", "MONGO_PORT_27017_TCP", "KAFKA_BATCH", "CONSUMERS_PORT"]
    assert Settings.misspelt(dict.fromkeys([*theirs, *Settings.names()], "x")) == []


def test_what_may_be_meant_stands_beside_what_is_missing() -> None:
    assert faults_of(MongoSettings, MONGO_URL="mongodb://db") == [
        "MONGO_URI is missing: the URI of a MongoDB replica set or sharded cluster",
        "MONGO_URL is not a setting; is MONGO_URI meant?",
    ]
