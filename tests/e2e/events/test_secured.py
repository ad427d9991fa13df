"""Kafka as it is hosted: TLS and every SASL mechanism, on a broker that takes nobody without them."""

import asyncio
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from consumers.connection import KafkaConnection
from consumers.kafka.admin import Broker
from devtools.embedded import EmbeddedKafka
from devtools.embedded.ports import free_ports
from tests.support.consumers import event_world
from tests.support.orders import payment
from tests.support.processes import environment, run

USER, PASSWORD = "tessera", "a-password-of-the-broker"
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER")
LOGIN = "org.apache.kafka.common.security"
TOPIC = "payment-service-accept"


@dataclass(frozen=True, slots=True)
class Secured:
    """A broker with one listener for SASL over TLS, one that asks for a certificate, and one for the test itself."""

    kafka: EmbeddedKafka
    sasl: str
    ssl: str
    folder: Path

    def known(self, mechanism: str, **variables: str) -> dict[str, str]:
        """What a process is told that is let in by this mechanism."""
        told = {
            "KAFKA_URI": self.sasl,
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_SSL_CA": str(self.folder / "ca.pem"),
            "KAFKA_SASL_MECHANISM": mechanism,
        }
        if mechanism == "OAUTHBEARER":
            told["KAFKA_SASL_TOKEN_COMMAND"] = f"{sys.executable} {self.folder / 'token.py'}"
        else:
            told |= {"KAFKA_SASL_USERNAME": USER, "KAFKA_SASL_PASSWORD": PASSWORD}
        return told | variables


def pkcs8(key: bytes) -> bytes:
    """A private key as Kafka reads it."""
    loaded = serialization.load_pem_private_key(key, None)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return loaded.private_bytes(*form)


def write_token_command(file: Path) -> None:
    """A program that prints a token as Kafka's own example validator takes it: signed by nobody."""
    file.write_text(
        "import base64, json, time\n"
        "def part(one): return base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip('=')\n"
        "now = time.time()\n"
        f"print(part({{'alg': 'none'}}) + '.' + part({{'sub': '{USER}', 'iat': now, 'exp': now + 60}}) + '.')\n"
    )


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("secured")
    authority = trustme.CA()
    for name in ("127.0.0.1", "client"):
        issued = authority.issue_cert(name)
        key, [chain] = pkcs8(issued.private_key_pem.bytes()), issued.cert_chain_pems
        (folder / f"{name}.pem").write_bytes(key + chain.bytes())
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    write_token_command(folder / "token.py")
    of_sasl = "listener.name.sasl_ssl"
    properties = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(folder / "127.0.0.1.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(folder / "ca.pem"),
        "listener.name.ssl.ssl.client.auth": "required",
        f"{of_sasl}.sasl.enabled.mechanisms": ",".join(MECHANISMS),
        f"{of_sasl}.plain.sasl.jaas.config": f'{LOGIN}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";',
        f"{of_sasl}.scram-sha-256.sasl.jaas.config": f"{LOGIN}.scram.ScramLoginModule required;",
        f"{of_sasl}.scram-sha-512.sasl.jaas.config": f"{LOGIN}.scram.ScramLoginModule required;",
        f"{of_sasl}.oauthbearer.sasl.jaas.config": (
            f'{LOGIN}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="{USER}";'
        ),
    }
    sasl, ssl = (f"127.0.0.1:{port}" for port in free_ports(2))
    users = [f"SCRAM-SHA-{bits}=[name={USER},password={PASSWORD}]" for bits in (256, 512)]
    listener = f"SASL_SSL://{sasl},SSL://{ssl}"
    kafka = EmbeddedKafka(folder / "kafka", listener=listener, properties=properties, users=users).start()
    asyncio.run(Broker(KafkaConnection(kafka.uri), partitions=1).ensure_topics([TOPIC]))
    yield Secured(kafka, sasl, ssl, folder)
    kafka.stop()


def emit(variables: dict[str, str], folder: Path) -> tuple[int, str]:
    """The exit code of `tessera emit` and what it said."""
    event = folder / "event.json"
    event.write_text(json.dumps(payment()))
    done = run("emit", TOPIC, str(event), variables=environment(**variables))
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_each_mechanism_is_let_in(secured: Secured, tmp_path: Path, mechanism: str) -> None:
    code, said = emit(secured.known(mechanism), tmp_path)
    assert (code, said.startswith(f"{TOPIC}: event ")) == (0, True), said


def test_a_certificate_is_shown_where_one_is_asked_for(secured: Secured, tmp_path: Path) -> None:
    both = str(secured.folder / "client.pem")
    told = {
        "KAFKA_URI": f"kafka+ssl://{secured.ssl}",
        "KAFKA_SSL_CA": str(secured.folder / "ca.pem"),
        "KAFKA_SSL_CERTIFICATE": both,
        "KAFKA_SSL_KEY": both,
    }
    code, said = emit(told, tmp_path)
    assert code == 0, said
    code, said = emit({name: told[name] for name in ("KAFKA_URI", "KAFKA_SSL_CA")}, tmp_path)
    assert code == 1
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "wrong",
    [
        {"KAFKA_SASL_PASSWORD": "another"},
        {"KAFKA_SASL_MECHANISM": "OAUTHBEARER", "KAFKA_SASL_TOKEN_COMMAND": "false"},
        {"KAFKA_SASL_MECHANISM": "OAUTHBEARER", "KAFKA_SASL_TOKEN_COMMAND": "no-such-program"},
        {"KAFKA_SSL_CA": ""},
        {"KAFKA_SECURITY_PROTOCOL": "", "KAFKA_SASL_MECHANISM": ""},
    ],
)
def test_who_is_not_let_in_is_told_in_a_sentence(secured: Secured, tmp_path: Path, wrong: dict[str, str]) -> None:
    code, said = emit(secured.known("PLAIN", **wrong), tmp_path)
    assert code == 1, said
    assert "Traceback" not in said
    assert PASSWORD not in said


async def test_orders_arrive_and_events_go_out(secured: Secured, database_uri: str, tmp_path: Path) -> None:
    async with event_world(secured.kafka.uri, database_uri, tmp_path) as world:
        world.environment |= secured.known("SCRAM-SHA-512")
        await world.worker().start()
        paid = payment()
        await world.send(TOPIC, paid)
        order = await world.order_of(paid)
        assert order.card_last4 == "0042"
        await world.arrived("orderService-orderCreated", 1)
        await world.send(TOPIC, b"no JSON")
        await world.arrived(f"{TOPIC}.dlt", 1)
    assert PASSWORD not in (tmp_path / "consumers-0.log").read_text()
