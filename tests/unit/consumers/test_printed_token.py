"""The command that prints a token for Kafka: what it prints, and that nothing of it is left running."""

import shlex
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from aiokafka.errors import AuthenticationFailedError

from consumers import connection
from consumers.connection import KafkaConnection, Sasl

WRITES_ITS_GROUP = """
import os, subprocess, sys, time
other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
with open(sys.argv[1], "w") as file:
    file.write(f"{os.getpid()} {other.pid}")
if len(sys.argv) == 2:
    time.sleep(300)
print("a-token")
"""


def provider(*words: str) -> Any:
    sasl = Sasl("OAUTHBEARER", token_command=shlex.join([sys.executable, "-c", *words]))
    return KafkaConnection("127.0.0.1:9", sasl=sasl).options()["sasl_oauth_token_provider"]


def assert_none_is_left(file: Path) -> None:
    processes = [psutil.Process(pid) for pid in map(int, file.read_text().split()) if psutil.pid_exists(pid)]
    _, alive = psutil.wait_procs(processes, 30)
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []


async def test_a_command_that_takes_too_long_is_ended_with_all_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = tmp_path / "group"
    monkeypatch.setattr(connection, "TOKEN_WITHIN", 0.2)
    waiting = provider(WRITES_ITS_GROUP, str(group))
    while not group.exists() or not group.read_text():
        with pytest.raises(AuthenticationFailedError, match=r"KAFKA_SASL_TOKEN_COMMAND printed nothing within"):
            await waiting.token()
        connection.TOKEN_WITHIN *= 2
    assert_none_is_left(group)


async def test_what_holds_the_output_open_is_ended_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    group = tmp_path / "group"
    monkeypatch.setattr(connection, "TOKEN_WITHIN", 3.0)
    with pytest.raises(AuthenticationFailedError):
        await provider(WRITES_ITS_GROUP, str(group), "prints").token()
    assert_none_is_left(group)


@pytest.mark.parametrize(
    ("program", "said"),
    [("print('a-token')", None), ("print()", "ended with 0 and no token"), ("exit(3)", "ended with 3 and no token")],
)
async def test_the_token_is_what_is_printed(program: str, said: str | None) -> None:
    if said is None:
        assert await provider(program).token() == "a-token"
    else:
        with pytest.raises(AuthenticationFailedError, match=said):
            await provider(program).token()


async def test_a_program_that_is_not_there_is_a_sentence() -> None:
    missing = KafkaConnection("127.0.0.1:9", sasl=Sasl("OAUTHBEARER", token_command="no-such-program --now"))
    token = missing.options()["sasl_oauth_token_provider"]
    assert token is not None
    with pytest.raises(AuthenticationFailedError, match="cannot be run: No such file or directory"):
        await token.token()
