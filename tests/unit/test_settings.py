"""Settings: every fault named at once, secrets without a trace."""

import pytest

from server.settings import Settings
from server.token_settings import DEVELOPMENT
from services.settings import KafkaUri, SettingsError

SECRET = "s" * 32
GOOD = {"MONGO_URI": "mongodb://db.example/shop?replicaSet=rs0", "JWT_SEC": SECRET, "ADMIN_KEY": SECRET[::-1]}


def test_the_defaults_are_those_of_the_documentation() -> None:
    settings = Settings.from_environment(GOOD)
    assert (settings.port, settings.extra_ports, settings.database) == (3000, (), "shop")
    assert (settings.rate_limit, settings.usage_hold, settings.kafka_uri) == ("100/15minutes", 900, None)
    assert settings.forwarded_allow_ips == ()
    assert not settings.open_tools


def test_every_variable_is_read() -> None:
    settings = Settings.from_environment(
        GOOD
        | {
            "PORT": "8080",
            "ORDER_SERVICE_PORT": "8081",
            "USAGE_FOLLOWER_SERVICE_PORT": "8082",
            "KAFKA_URI": "kafka://one:9092, two:9093",
            "PAYMENT_URI": "https://payments.example/",
            "RATE_LIMIT": "5/minute",
            "USAGE_HOLD": "60",
            "ACTIVITY_DAYS": "7",
            "FORWARDED_ALLOW_IPS": "10.0.0.0/8, 127.0.0.1",
            "CORS_ORIGINS": "https://shop.example",
            "LOG_LEVEL": "DEBUG",
            "COMPILED_OPERATIONS": "0",
            "TRUSTED_DOCUMENTS": "allow",
        }
    )
    assert settings.port == 8080
    assert settings.extra_ports == (8081, 8082)
    assert settings.kafka_uri == KafkaUri("one:9092,two:9093", tls=False)
    assert settings.forwarded_allow_ips == ("10.0.0.0/8", "127.0.0.1/32")
    assert settings.log_level == "debug"
    assert not settings.compiled_operations
    assert settings.trusted_documents == "allow"


def test_all_faults_are_named_in_one_message() -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.from_environment(
            {
                "MONGO_URI": "http://db",
                "MONGO_DRIVER": "mongoose",
                "JWT_SEC": "short",
                "PORT": "80a",
                "KAFKA_URI": "http://kafka",
                "RATE_LIMIT": "many",
                "USAGE_HOLD": "0",
                "ACTIVITY_DAYS": "0",
                "FORWARDED_ALLOW_IPS": "*",
                "CORS_ORIGINS": "https://shop.example/path",
                "LOG_LEVEL": "loud",
                "COMPILED_OPERATIONS": "yes",
                "TRUSTED_DOCUMENTS": "some",
                "TRUSTED_MANIFEST": "missing.json",
            }
        )
    named = {fault.split()[0] for fault in raised.value.faults}
    assert named == {
        "MONGO_URI",
        "MONGO_DRIVER",
        "JWT_SEC",
        "ADMIN_KEY",
        "PORT",
        "KAFKA_URI",
        "RATE_LIMIT",
        "USAGE_HOLD",
        "ACTIVITY_DAYS",
        "FORWARDED_ALLOW_IPS",
        "CORS_ORIGINS",
        "LOG_LEVEL",
        "COMPILED_OPERATIONS",
        "TRUSTED_DOCUMENTS",
        "TRUSTED_MANIFEST",
    }
    assert all(fault in str(raised.value) for fault in raised.value.faults)


def test_weak_secrets_are_refused_unless_allowed_or_embedded() -> None:
    weak = GOOD | {"JWT_SEC": "short", "ADMIN_KEY": "short"}
    with pytest.raises(SettingsError, match="at least 32 bytes"):
        Settings.from_environment(weak)
    assert Settings.from_environment(weak | {"ALLOW_WEAK_SECRETS": "1"}).admin_key == "short"
    assert Settings.from_environment(weak | {DEVELOPMENT: "1"}).open_tools


def test_a_repr_shows_no_secret_and_no_database_password() -> None:
    settings = Settings.from_environment(GOOD | {"MONGO_URI": "mongodb://user:hunter22@db/x"})
    for secret in (SECRET, SECRET[::-1], "hunter22"):
        assert secret not in repr(settings)
