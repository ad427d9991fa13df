"""How Kafka is reached: what goes together, and a sentence for what does not."""

from pathlib import Path

import pytest
import trustme

from consumers.settings import MECHANISMS, KafkaSettings
from services.settings import SettingsError

URI = {"KAFKA_URI": "one:9093,two:9093"}
SASL = URI | {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512"}
USER = {"KAFKA_SASL_USERNAME": "shop", "KAFKA_SASL_PASSWORD": "hunter22"}


def faults_of(variables: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        KafkaSettings.from_environment(variables)
    return list(raised.value.faults)


@pytest.mark.parametrize(
    ("variables", "protocol"),
    [
        (URI, "PLAINTEXT"),
        (URI | {"KAFKA_SECURITY_PROTOCOL": "SSL"}, "SSL"),
        ({"KAFKA_URI": "kafka+ssl://one:9093, kafka+ssl://two:9093"}, "SSL"),
        ({"KAFKA_URI": "kafka://one:9093,two:9093"}, "PLAINTEXT"),
        (SASL | USER, "SASL_SSL"),
        (SASL | USER | {"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT"}, "SASL_PLAINTEXT"),
    ],
)
def test_the_protocol_is_the_one_that_is_asked_for(variables: dict[str, str], protocol: str) -> None:
    connection = KafkaSettings.from_environment(variables).kafka
    assert (connection.servers, connection.protocol) == ("one:9093,two:9093", protocol)
    assert (connection.options()["ssl_context"] is not None) == protocol.endswith("SSL")


def test_no_secret_is_shown() -> None:
    settings = KafkaSettings.from_environment(SASL | USER | {"KAFKA_SSL_KEY_PASSWORD": "hunter33"})
    shown = repr(settings) + repr(settings.kafka)
    assert "hunter22" not in shown
    assert "hunter33" not in shown


@pytest.mark.parametrize(
    ("variables", "faults"),
    [
        (
            {"KAFKA_URI": "kafka+ssl://one:9093,kafka://two:9093"},
            ["KAFKA_URI must have one scheme for all of its servers"],
        ),
        (
            {"KAFKA_URI": "kafka+ssl://one:9093", "KAFKA_SECURITY_PROTOCOL": "PLAINTEXT"},
            ["KAFKA_SECURITY_PROTOCOL is PLAINTEXT, but KAFKA_URI asks for TLS"],
        ),
        (
            URI | {"KAFKA_SECURITY_PROTOCOL": "TLS"},
            ["KAFKA_SECURITY_PROTOCOL must be PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL"],
        ),
        (
            URI | {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL"},
            [f"KAFKA_SASL_MECHANISM is missing: KAFKA_SECURITY_PROTOCOL=SASL_SSL needs one of {', '.join(MECHANISMS)}"],
        ),
        (
            URI | {"KAFKA_SASL_MECHANISM": "PLAIN"} | USER,
            ["KAFKA_SASL_MECHANISM needs KAFKA_SECURITY_PROTOCOL=SASL_SSL (or SASL_PLAINTEXT)"],
        ),
        (
            SASL,
            [
                "KAFKA_SASL_USERNAME is missing: KAFKA_SASL_MECHANISM=SCRAM-SHA-512 needs it",
                "KAFKA_SASL_PASSWORD is missing: KAFKA_SASL_MECHANISM=SCRAM-SHA-512 needs it",
            ],
        ),
        (
            SASL | {"KAFKA_SASL_MECHANISM": "OAUTHBEARER"},
            ["KAFKA_SASL_TOKEN_COMMAND is missing: KAFKA_SASL_MECHANISM=OAUTHBEARER needs it"],
        ),
        (
            SASL | {"KAFKA_SASL_MECHANISM": "OAUTHBEARER", "KAFKA_SASL_TOKEN_COMMAND": "print-token 'hunter22"},
            ["KAFKA_SASL_TOKEN_COMMAND is no program and its arguments: no closing quotation"],
        ),
        (
            SASL | {"KAFKA_SASL_MECHANISM": "OAUTHBEARER", "KAFKA_SASL_TOKEN_COMMAND": "print-token \\"},
            ["KAFKA_SASL_TOKEN_COMMAND is no program and its arguments: no escaped character"],
        ),
        (
            SASL | {"KAFKA_SASL_MECHANISM": "OAUTHBEARER", "KAFKA_SASL_TOKEN_COMMAND": "''"},
            ["KAFKA_SASL_TOKEN_COMMAND is no program and its arguments: there is no word in it"],
        ),
        (URI | {"KAFKA_SSL_CA": "/no/such/file"}, ["KAFKA_SSL_CA cannot be read: No such file or directory"]),
    ],
)
def test_what_does_not_go_together_is_said(variables: dict[str, str], faults: list[str]) -> None:
    assert faults_of(variables) == faults


def test_files_that_are_not_what_they_should_be_are_said(tmp_path: Path) -> None:
    authority = trustme.CA()
    one, two = authority.issue_cert("one"), authority.issue_cert("two")
    certificate, key, other, text = (tmp_path / name for name in ("certificate", "key", "other", "text"))
    certificate.write_bytes(one.cert_chain_pems[0].bytes())
    key.write_bytes(one.private_key_pem.bytes())
    other.write_bytes(two.private_key_pem.bytes())
    text.write_text("no PEM")
    tls = URI | {"KAFKA_SECURITY_PROTOCOL": "SSL"}
    good = tls | {"KAFKA_SSL_CERTIFICATE": str(certificate), "KAFKA_SSL_KEY": str(key)}
    assert KafkaSettings.from_environment(good).kafka.options()["ssl_context"] is not None
    for name, file in (("KAFKA_SSL_CA", text), ("KAFKA_SSL_KEY", text), ("KAFKA_SSL_KEY", other)):
        [fault] = faults_of(good | {name: str(file)})
        assert fault.startswith(f"{name} cannot be used: ")
    assert faults_of(tls | {"KAFKA_SSL_KEY": str(key)}) == ["KAFKA_SSL_KEY needs KAFKA_SSL_CERTIFICATE beside it"]
