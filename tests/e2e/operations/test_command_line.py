"""The short commands: migrate, schema, token, health."""

import asyncio
import json
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import jwt
import pytest
from pymongo import MongoClient

from server.token_settings import TokenSettings
from server.token_verifier import TokenVerifier
from tests.support.api import JWT_SECRET
from tests.support.processes import ROOT, environment, run, served
from tests.support.signing import public_pem, rsa_key


def test_migrate_makes_the_database_ready_as_often_as_one_likes(database_uri: str) -> None:
    for _ in range(2):
        done = run("migrate", variables=served(database_uri))
        assert done.returncode == 0, done.stderr
        assert done.stdout.endswith("The database is ready.\n")


def test_migrate_sets_aside_what_shares_what_must_be_unique_and_names_it(database_uri: str) -> None:
    shared = {"twitterId": "1001", "username": "a", "followers": 1500}
    with MongoClient[dict[str, Any]](database_uri) as client:
        database = client.get_default_database()
        first, second = (
            database["coupons"]
            .insert_many([shared | {"couponCode": "ABC1-DEF2"}, shared | {"couponCode": "ABC1-DEF3"}])
            .inserted_ids
        )
        done = run("migrate", variables=served(database_uri))
        assert done.returncode == 0
        assert "coupons: 1 taken over\n" in done.stdout
        assert "1 documents were set aside; the originals are in the collection `setaside`:\n" in done.stdout
        assert f"  coupons {second}: twitterId '1001' is that of {first}\n" in done.stdout
        assert [coupon["_id"] for coupon in database["coupons"].find()] == [first]
        assert [row["document"]["couponCode"] for row in database["setaside"].find()] == ["ABC1-DEF3"]


def test_migrate_names_what_is_missing() -> None:
    done = run("migrate", variables=environment())
    assert done.returncode == 2
    assert "MONGO_URI is missing" in done.stderr


def test_a_health_check_imports_nothing_of_the_other_commands() -> None:
    code = """
import sys
from server.cli import app
try:
    app(["health", "--port", "9"])
finally:
    print(sorted({name.split(".")[0] for name in sys.modules} & {"models", "services", "rich", "asyncio", "motor"}))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "[]\n", "Not ready on port 9\n")


@pytest.mark.parametrize("word", ["codes", "keys", "dev", "health", "nothing"])
def test_commands_are_found_by_their_names(word: str) -> None:
    done = run(word, "--help", variables=environment())
    if word == "nothing":
        assert (done.returncode, "No such command 'nothing'" in done.stderr) == (2, True)
    else:
        assert (done.returncode, f"tessera {word}" in done.stdout) == (0, True)


@pytest.mark.parametrize("command", ["audit", "migrate", "codes export"])
def test_a_command_asks_only_for_the_settings_it_uses(database_uri: str, command: str) -> None:
    unused = {"PORT": "none", "KAFKA_URI": "none", "RATE_LIMIT": "often", "PAYMENT_URI": "none", "CORS_ORIGINS": "none"}
    done = run(*command.split(), variables=environment(MONGO_URI=database_uri, **unused))
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0), done.stderr


@pytest.mark.parametrize("command", ["audit", "migrate", "codes export", "serve", "consume"])
def test_a_mongo_uri_that_is_none_is_a_sentence_without_its_secret(command: str) -> None:
    uri = "mongodb://user:hunter2@@db.example/shop"
    variables = served(uri, KAFKA_URI="127.0.0.1:9")
    done = run(*command.split(), variables=variables)
    assert done.returncode == 2
    assert "  - MONGO_URI must be a MongoDB URI such as " in done.stderr
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr + done.stdout


@pytest.mark.parametrize("command", ["audit", "migrate", "codes export"])
def test_a_database_that_is_away_is_a_sentence(command: str) -> None:
    done = run(*command.split(), variables=environment(MONGO_URI="mongodb://127.0.0.1:9/shop"))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("MongoDB cannot be reached: 127.0.0.1:9: ")
    assert "Traceback" not in done.stderr


def test_health_asks_for_the_port_alone() -> None:
    done = run("health", variables=environment(PORT="none", MONGO_URI="none"))
    assert (done.returncode, done.stderr.count("PORT must be"), done.stderr.count("MONGO_URI")) == (2, 1, 0)


def test_the_schema_that_is_checked_in_is_the_one_that_is_served(tmp_path: Path) -> None:
    assert run("schema", "--check", str(ROOT / "schema.graphql"), variables=environment()).returncode == 0
    written = tmp_path / "schema.graphql"
    run("schema", "--output", str(written), variables=environment())
    assert written.read_text() == run("schema", variables=environment()).stdout
    written.write_text(written.read_text().replace("type Query {", "type Query {\n  more: Int", 1))
    done = run("schema", "--check", str(written), variables=environment())
    assert done.returncode == 1
    assert "-  more: Int" in done.stdout


def test_a_token_is_signed_for_the_user_that_is_named() -> None:
    words = ("token", "ada", "--type", "shop", "--type", "admin", "--days", "2")
    printed = run(*words, variables=environment(JWT_SEC=JWT_SECRET)).stdout.strip()
    claims = jwt.decode(printed, JWT_SECRET, algorithms=["HS256"], options={"require": ["exp"]})
    assert (claims["userId"], claims["userType"]) == ("ada", ["shop", "admin"])


def test_a_token_is_such_as_the_settings_take(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(JWT_SECRET)
    from_file = run("token", "ada", variables=environment(JWT_SEC_FILE=str(tmp_path / "secret"))).stdout.strip()
    assert jwt.decode(from_file, JWT_SECRET, algorithms=["HS256"])["userId"] == "ada"
    told = {
        "JWT_KEYS": json.dumps([public_pem(rsa_key()), {"kid": "new", "key": JWT_SECRET}]),
        "JWT_ISSUER": "https://id.example",
        "JWT_AUDIENCE": "shop,tessera",
        "JWT_USER_CLAIM": "sub",
        "JWT_TYPES_CLAIM": "realm_access.roles",
    }
    printed = run("token", "ada", "--type", "admin", variables=environment(**told)).stdout.strip()
    said = asyncio.run(TokenVerifier(TokenSettings.from_environment(told), time.time).read(printed))
    assert (said.user_id, said.user_types) == ("ada", ("admin",))
    assert jwt.get_unverified_header(printed)["kid"] == "new"


def test_who_has_public_keys_alone_signs_nothing() -> None:
    done = run("token", "ada", variables=environment(JWT_KEYS=public_pem(rsa_key())))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "There is no secret to sign with: who signs has the private keys.\n"


def test_a_token_takes_the_secret_that_dev_keeps(tmp_path: Path) -> None:
    words = ("token", "ada", "--data", str(tmp_path))
    without = run(*words, variables=environment())
    assert without.returncode == 2
    assert "JWT_SEC is missing" in without.stderr
    (tmp_path / "secrets.env").write_text(f"JWT_SEC={JWT_SECRET}\nADMIN_KEY=a=b\n")
    printed = run(*words, variables=environment()).stdout.strip()
    assert jwt.decode(printed, JWT_SECRET, algorithms=["HS256"])["userId"] == "ada"


def test_health_fails_where_nothing_listens(database_uri: str) -> None:
    done = run("health", variables=served(database_uri, PORT="1"))
    assert (done.returncode, done.stderr) == (1, "Not ready on port 1\n")


def test_the_command_line_tells_the_version_of_the_package() -> None:
    told = run("--version", variables=environment())
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert (told.returncode, told.stdout) == (0, f"tessera {declared}\n")


def test_a_shell_completes_commands_and_their_options() -> None:
    asked = {"_TESSERA_COMPLETE": "complete_bash", "COMP_WORDS": "tessera co", "COMP_CWORD": "1"}
    assert run(variables=environment(**asked)).stdout.split() == ["consume", "codes"]
    asked |= {"COMP_WORDS": "tessera serve --work", "COMP_CWORD": "2"}
    assert run(variables=environment(**asked)).stdout.split() == ["--workers"]
