"""Reads batches of records without the consumer, so that one odd record hides none of its neighbours.

The consumer decodes a fetch as a whole and raises for all of it. Here each record is decoded on its own: what can be
read is, whatever its header names are made of, and what cannot is told apart by its offset.
"""

import struct
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.codec import gzip_decode, lz4_decode, snappy_decode, zstd_decode
from aiokafka.errors import LeaderNotAvailableError, for_code
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.default_records import DefaultRecordBase, DefaultRecordBatch
from aiokafka.record.util import decode_varint

from consumers.connection import KafkaConnection
from consumers.faults import reason_of
from consumers.kafka.records import Headers, Record

_MAGIC = 2
_MAGIC_AT = 16
_LENGTH_AT = 8
_OVERHEAD = 12
_READ_COMMITTED = 1
# Kafka gives a larger batch too, where it is the first.
_MOST_BYTES = 1024 * 1024
_WAIT_MS = 500
_DECODERS: dict[int, Callable[[bytes], bytes]] = {
    DefaultRecordBase.CODEC_NONE: lambda raw: raw,
    DefaultRecordBase.CODEC_GZIP: gzip_decode,
    DefaultRecordBase.CODEC_SNAPPY: snappy_decode,
    DefaultRecordBase.CODEC_LZ4: lz4_decode,
    DefaultRecordBase.CODEC_ZSTD: zstd_decode,
}


@dataclass(frozen=True, slots=True)
class RawRecord:
    """A record that could be read; bytes of a header name that are not UTF-8 are written as `\\xNN`."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Where the records `offset` to `last_offset` stand, of which only `raw` is known; `timestamp` is their batch's."""

    topic: str
    partition: int
    offset: int
    last_offset: int
    timestamp: int
    raw: bytes
    reason: str


Found = Record | Unreadable


@dataclass(frozen=True, slots=True)
class Batch:
    """Records in their order, and the offset behind them."""

    records: Sequence[Found]
    next_offset: int


@dataclass(frozen=True, slots=True)
class _Header:
    """The head of a batch of the format that Kafka has written since 2017."""

    base_offset: int
    attributes: int
    last_delta: int
    first_timestamp: int
    max_timestamp: int
    producer_id: int
    count: int

    @classmethod
    def read(cls, raw: bytes) -> "_Header":
        base, _, _, _, _, attributes, last_delta, first, most, producer, _, _, count = (
            DefaultRecordBase.HEADER_STRUCT.unpack_from(raw)
        )
        return cls(base, attributes, last_delta, first, most, producer, count)


class BatchReader:
    """Fetches from Kafka; an async context manager. Raises `KafkaError` for what Kafka says, and without Kafka."""

    def __init__(self, connection: KafkaConnection) -> None:
        self._client = AIOKafkaClient(**connection.options())
        self._leaders: dict[TopicPartition, int] = {}

    async def __aenter__(self) -> Self:
        try:
            await self._client.bootstrap()
        except BaseException:
            await self._client.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def read(self, partition: TopicPartition, offset: int) -> Batch:
        """What stands from `offset` on, some of it; `next_offset` is `offset` where there is nothing.

        Markers and aborted records of transactions are left out.
        """
        asked = [(partition.topic, [(partition.partition, offset, _MOST_BYTES)])]
        request = FetchRequest(_WAIT_MS, 1, _MOST_BYTES, _READ_COMMITTED, asked)
        response = await self._client.send(await self._leader(partition), request)
        [(_, [(_, code, _, *rest)])] = response.topics
        if code:
            self._leaders.pop(partition, None)
            raise for_code(code)(str(partition))
        aborted = rest[2] if response.API_VERSION >= 11 else rest[-2]
        return decode_batches(partition, rest[-1] or b"", offset, aborted or ())

    async def _leader(self, partition: TopicPartition) -> int:
        if partition not in self._leaders:
            leader = (await self._client.fetch_all_metadata()).leader_for_partition(partition)
            if leader is None or leader == -1:
                raise LeaderNotAvailableError(str(partition))
            self._leaders[partition] = leader
        return self._leaders[partition]


def decode_batches(
    partition: TopicPartition, fetched: bytes, offset: int, aborted: Sequence[tuple[int, int]] = ()
) -> Batch:
    """What the whole batches of `fetched` hold from `offset` on.

    `aborted` names the transactions that were given up: the producer's id and its first offset.
    """
    position, next_offset = 0, offset
    records: list[Found] = []
    given_up: set[int] = set()
    begun = sorted(aborted, key=lambda transaction: transaction[1])
    while len(fetched) - position >= _OVERHEAD:
        (length,) = struct.unpack_from(">i", fetched, position + _LENGTH_AT)
        end = position + _OVERHEAD + max(0, length)
        if end > len(fetched):
            break
        raw, position = fetched[position:end], end
        if len(raw) < DefaultRecordBase.HEADER_STRUCT.size or raw[_MAGIC_AT] != _MAGIC:
            found: list[Found] = [_unknown(partition, raw, next_offset)]
            next_offset = found[0].offset + 1
        else:
            header = _Header.read(raw)
            while begun and begun[0][1] <= header.base_offset:
                given_up.add(begun.pop(0)[0])
            if not DefaultRecordBatch(raw).validate_crc():
                found = [_damaged(partition, raw, header, offset)]
            elif header.attributes & DefaultRecordBase.CONTROL_MASK:
                # A marker ends the transaction of its producer.
                given_up.discard(header.producer_id)
                found = []
            elif header.attributes & DefaultRecordBase.TRANSACTIONAL_MASK and header.producer_id in given_up:
                found = []
            else:
                found = [one for one in _split(partition, raw, header) if last_offset(one) >= offset]
            next_offset = max(next_offset, header.base_offset + header.last_delta + 1)
        records += found
    return Batch(records, next_offset)


def _unknown(partition: TopicPartition, raw: bytes, offset: int) -> Unreadable:
    (first,) = struct.unpack_from(">q", raw)
    place = max(first, offset)
    reason = "The record is in a format that is not known"
    return Unreadable(partition.topic, partition.partition, place, place, -1, raw, reason)


def _damaged(partition: TopicPartition, raw: bytes, header: _Header, offset: int) -> Unreadable:
    first, last = max(header.base_offset, offset), max(header.base_offset + header.last_delta, offset)
    reason = "The batch of this record has a wrong checksum"
    return Unreadable(partition.topic, partition.partition, first, last, header.max_timestamp, raw, reason)


def _split(partition: TopicPartition, raw: bytes, header: _Header) -> Iterator[Found]:
    """The records of a batch one by one; where they cannot be told apart, the rest of it as one."""
    expected, last = header.base_offset, header.base_offset + header.last_delta
    try:
        payload = _unpack(raw, header)
        position = 0
        for _ in range(header.count):
            length, begin = decode_varint(payload, position)
            position = begin + length
            if length < 0 or position > len(payload):
                raise ValueError("a record reaches beyond its batch")
            found = _read_record(partition, payload[begin:position], header, expected)
            yield found
            expected = last_offset(found) + 1
    except Exception as fault:
        reason = f"The batch of this record cannot be read: {reason_of(fault)}"
        if expected <= last:
            yield Unreadable(partition.topic, partition.partition, expected, last, header.max_timestamp, raw, reason)


def _unpack(raw: bytes, header: _Header) -> bytearray:
    codec = header.attributes & DefaultRecordBase.CODEC_MASK
    if codec not in _DECODERS:
        raise ValueError(f"compression {codec} is not known")
    return bytearray(_DECODERS[codec](raw[DefaultRecordBase.HEADER_STRUCT.size :]))


def _read_record(partition: TopicPartition, raw: bytearray, header: _Header, expected: int) -> Found:
    offset, timestamp = expected, header.max_timestamp
    try:
        delta, position = decode_varint(raw, 1)
        if not header.attributes & DefaultRecordBase.TIMESTAMP_TYPE_MASK:
            timestamp = header.first_timestamp + delta
        delta, position = decode_varint(raw, position)
        offset = header.base_offset + delta
        key, position = _bytes(raw, position)
        value, position = _bytes(raw, position)
        number, position = decode_varint(raw, position)
        headers = []
        for _ in range(number):
            name, position = _bytes(raw, position)
            content, position = _bytes(raw, position)
            headers.append(((name or b"").decode(errors="backslashreplace"), content))
    except Exception as fault:
        reason = f"The record cannot be read: {reason_of(fault)}"
        return Unreadable(partition.topic, partition.partition, offset, offset, timestamp, bytes(raw), reason)
    return RawRecord(partition.topic, partition.partition, offset, timestamp, key, value, tuple(headers))


def _bytes(raw: bytearray, position: int) -> tuple[bytes | None, int]:
    length, position = decode_varint(raw, position)
    if length < 0:
        return None, position
    if position + length > len(raw):
        raise ValueError("a field reaches beyond its record")
    return bytes(raw[position : position + length]), position + length


def last_offset(found: Found) -> int:
    """The offset of the last record that this stands for."""
    return found.last_offset if isinstance(found, Unreadable) else found.offset


async def read_topic(connection: KafkaConnection, topic: str) -> AsyncIterator[Sequence[Found]]:
    """Every record that stands in the topic now, those among them that the consumer cannot decode."""
    consumer = AIOKafkaConsumer(topic, **connection.options())
    await consumer.start()
    try:
        partitions = sorted(consumer.assignment())
        begins: dict[TopicPartition, int] = await consumer.beginning_offsets(partitions)
        ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
    finally:
        await consumer.stop()
    async with BatchReader(connection) as reader:
        for partition in partitions:
            position = begins[partition]
            while position < ends[partition]:
                batch = await reader.read(partition, position)
                if batch.next_offset == position:
                    break
                yield [found for found in batch.records if last_offset(found) < ends[partition]]
                position = batch.next_offset
