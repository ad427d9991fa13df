"""Records as any producer may write them, byte by byte: what the usual client would refuse to send."""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.codec import gzip_encode, lz4_encode, snappy_encode, zstd_encode
from aiokafka.errors import for_code
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.util import calc_crc32c, encode_varint

CODECS: dict[str, tuple[int, Callable[[bytes], bytes]]] = {
    "none": (0, lambda raw: raw),
    "gzip": (1, gzip_encode),
    "snappy": (2, snappy_encode),
    "lz4": (3, lz4_encode),
    "zstd": (4, zstd_encode),
}


@dataclass(frozen=True, repr=False)
class Odd:
    """A record of any shape; header names are bytes, as on the wire."""

    value: bytes | None
    key: bytes | None = None
    headers: Sequence[tuple[bytes, bytes | None]] = ()
    timestamp: int = 1_700_000_000_000

    def __repr__(self) -> str:
        shown = ", ".join(repr(part)[:60] for part in (self.value, self.key, self.headers, self.timestamp))
        return f"Odd({shown})"


def encode_batch(records: Sequence[Odd], codec: str = "none", base_offset: int = 0) -> bytes:
    """One batch of the format that Kafka has written since 2017."""
    number, compress = CODECS[codec]
    first, most = records[0].timestamp, max(one.timestamp for one in records)
    payload = compress(b"".join(encode_record(one, delta, first) for delta, one in enumerate(records)))
    return seal_batch(payload, len(records), attributes=number, base_offset=base_offset, first=first, most=most)


def seal_batch(
    payload: bytes, count: int, *, attributes: int = 0, base_offset: int = 0, first: int = 0, most: int = 0
) -> bytes:
    """A batch of any payload with a checksum that is right; `count` is how many records it claims to hold."""
    checked = struct.pack(">hiqqqhii", attributes, count - 1, first, most, -1, -1, -1, count) + payload
    body = struct.pack(">ibI", -1, 2, calc_crc32c(checked)) + checked
    return struct.pack(">qi", base_offset, len(body)) + body


async def produce(servers: str, partition: TopicPartition, batch: bytes) -> int:
    """Send a batch as it is; returns the offset of its first record."""
    client = AIOKafkaClient(bootstrap_servers=servers)
    await client.bootstrap()
    try:
        leader = (await client.fetch_all_metadata()).leader_for_partition(partition)
        request = ProduceRequest(None, -1, 30_000, [(partition.topic, [(partition.partition, batch)])])
        response = await client.send(leader, request)
        [(_, [(_, code, offset, *_)])] = response.topics
        if code:
            raise for_code(code)(str(partition))
        return int(offset)
    finally:
        await client.close()


def encode_record(record: Odd, delta: int, first: int) -> bytes:
    """One record of a batch, without compression."""
    body = bytearray(b"\x00")
    encode_varint(record.timestamp - first, body.append)
    encode_varint(delta, body.append)
    _write(body, record.key)
    _write(body, record.value)
    encode_varint(len(record.headers), body.append)
    for name, raw in record.headers:
        _write(body, name)
        _write(body, raw)
    whole = bytearray()
    encode_varint(len(body), whole.append)
    return bytes(whole + body)


def _write(body: bytearray, raw: bytes | None) -> None:
    encode_varint(-1 if raw is None else len(raw), body.append)
    body += raw or b""
