"""The short commands: migrate, schema, token, health."""

from pathlib import Path
from typing import Any

import jwt
from pymongo import MongoClient

from tests.support.api import JWT_SECRET
from tests.support.processes import ROOT, environment, run, served


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
