"""Which transactions have lost their process."""

from typing import Any

import pytest

from services.kit.orphans import GONE_SECONDS, IDLE_SECONDS, orphans_of

CONNECTION = {"type": "op", "connectionId": 7}
SHORT, LONG = GONE_SECONDS + 0.05, IDLE_SECONDS + 0.5


def transaction(idle: float | None, **other: Any) -> dict[str, Any]:
    known = {"type": "idleSession", "appName": "tessera", "connectionId": 7, "lsid": {"id": "a session", "uid": "u"}}
    return known | {"idle": idle} | other


@pytest.mark.parametrize(
    ("listed", "is_orphan"),
    [
        ([transaction(SHORT)], True),
        ([transaction(GONE_SECONDS / 2)], False),
        ([CONNECTION, transaction(SHORT)], False),
        ([CONNECTION, transaction(LONG)], True),
        ([CONNECTION, transaction(SHORT, connectionId=8)], True),
        # By a router: its shards know its connections, not those of its clients.
        ([transaction(SHORT, shard="s1")], False),
        ([transaction(LONG, shard="s1")], True),
        ([transaction(None)], False),
        ([transaction(LONG, appName="another")], False),
        ([transaction(LONG, type="op")], False),
    ],
)
def test_a_transaction_is_an_orphan_without_its_connection_or_when_it_is_idle_for_long(
    listed: list[dict[str, Any]], is_orphan: bool
) -> None:
    assert orphans_of(listed) == ([{"id": "a session"}] if is_orphan else [])
