"""`tessera doctor`: what it says of a house that is well, and of one that is not."""

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

from consumers.connection import KafkaConnection
from consumers.kafka.admin import Broker
from consumers.topics import all_topics
from devtools.embedded.ports import free_ports
from tests.support.api import running_api, settings_for
from tests.support.processes import environment, run, served
from tests.support.signing import jwk, publishing, rsa_key


async def doctor(*words: str, variables: dict[str, str]) -> tuple[int, dict[str, tuple[str, str]]]:
    """The exit code, and level and message of what is not well."""
    done = await asyncio.to_thread(run, "doctor", "--json", *words, variables=variables)
    assert done.stderr.count("Traceback") == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["ok"] == (done.returncode == 0)
    return done.returncode, {
        one["check"]: (one["level"], one["message"]) for one in told["findings"] if one["level"] != "ok"
    }


async def test_topics_that_are_missing_are_named_until_they_are_there(database_uri: str, kafka_uri: str) -> None:
    prefix = f"doctor-{uuid4().hex[:8]}-"
    variables = served(database_uri, KAFKA_URI=kafka_uri, KAFKA_TOPIC_PREFIX=prefix)
    async with running_api(settings_for(database_uri)):
        code, found = await doctor("--no-audit", variables=variables)
        level, message = found.pop("topics")
        assert (code, level, found) == (1, "fault", {})
        assert message.startswith(f"{len(all_topics(prefix))} are missing: {prefix}")
        await Broker(KafkaConnection(kafka_uri), 1).ensure_topics(all_topics(prefix))
        with publishing(jwk(rsa_key(), "a")) as publisher:
            assert await doctor(variables=variables | {"JWKS_URL": publisher.url}) == (0, {})


async def test_settings_servers_and_keys_that_are_no_good_are_all_told_at_once(tmp_path: Path) -> None:
    [nobody] = free_ports(1)
    variables = served(
        f"mongodb://127.0.0.1:{nobody}/shop",
        KAFKA_URI=f"127.0.0.1:{nobody}",
        JWKS_URL=f"http://127.0.0.1:{nobody}/keys",
        JWT_ISUER="https://id.example",
    )
    code, found = await doctor("--data", str(tmp_path), variables=variables)
    assert code == 1
    assert {check: level for check, (level, _) in found.items()} == {
        "settings": "note",
        "mongodb": "fault",
        "keys": "fault",
        "kafka": "fault",
    }
    assert found["mongodb"][1].startswith(f"MongoDB cannot be reached: 127.0.0.1:{nobody}")
    assert found["keys"][1] == "JWKS_URL does not answer: ConnectError"
    assert found["settings"][1] == "JWT_ISUER is not a setting; is JWT_ISSUER meant?"


def test_a_setting_at_fault_is_told_once_with_what_to_do(tmp_path: Path) -> None:
    told = environment(MONGO_URI="http://db", KAFKA_URI="nowhere", PAYMENT_URI="hunter22")
    done = run("doctor", "--data", str(tmp_path), variables=told)
    assert done.returncode == 2
    for sentence in ("MONGO_URI must start with", "JWT_SEC is missing", "ADMIN_KEY is missing", "PAYMENT_URI must be"):
        assert done.stdout.count(f"FAULT  settings: {sentence}") == 1, done.stdout
    assert "→ the README lists every setting" in done.stdout
    assert "hunter22" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
