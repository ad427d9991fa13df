"""Batches that are read without the client: what is readable in them is read, and the rest is told apart."""

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.record.util import calc_crc32c
from hypothesis import given
from hypothesis import strategies as st

from consumers.connection import KafkaConnection
from consumers.kafka.raw_batches import BatchReader, Unreadable, decode_batches, last_offset
from tests.support.raw_records import CODECS, Odd, encode_batch, encode_record, seal_batch

PARTITION = TopicPartition("topic", 0)
contents = st.none() | st.binary(max_size=40)
records = st.builds(
    Odd,
    value=contents,
    key=contents,
    headers=st.lists(st.tuples(st.binary(max_size=8), contents), max_size=4),
    timestamp=st.integers(-(2**40), 2**50),
)
batches = st.lists(records, min_size=1, max_size=5)


@given(batches, st.sampled_from(sorted(CODECS)), st.integers(0, 2**40))
def test_records_of_any_shape_are_read_as_they_were_written(written: list[Odd], codec: str, base: int) -> None:
    found = decode_batches(PARTITION, encode_batch(written, codec, base), base)
    assert found.next_offset == base + len(written)
    assert [(one.offset, one.timestamp) for one in found.records] == [
        (base + number, one.timestamp) for number, one in enumerate(written)
    ]
    for one, read in zip(written, found.records, strict=True):
        assert not isinstance(read, Unreadable)
        assert (read.key, read.value) == (one.key, one.value)
        assert [raw for _, raw in read.headers] == [raw for _, raw in one.headers]


@given(st.lists(batches, min_size=1, max_size=4), st.data())
def test_reading_from_any_offset_gives_what_stands_behind_it(several: list[list[Odd]], data: st.DataObject) -> None:
    raw, base = b"", 0
    for batch in several:
        raw += encode_batch(batch, "gzip", base)
        base += len(batch)
    offset = data.draw(st.integers(0, base - 1))
    found = decode_batches(PARTITION, raw, offset)
    assert [one.offset for one in found.records] == [*range(offset, base)]
    assert found.next_offset == base


@given(batches, st.sampled_from(sorted(CODECS)), st.data())
def test_a_batch_that_was_damaged_anywhere_still_accounts_for_every_offset(
    written: list[Odd], codec: str, data: st.DataObject
) -> None:
    raw = bytearray(encode_batch(written, codec, 7))
    place = data.draw(st.integers(17, len(raw) - 1).filter(lambda place: not 23 <= place < 27))
    raw[place] ^= data.draw(st.integers(1, 255))
    found = decode_batches(PARTITION, bytes(raw), 7)
    assert found.next_offset == 7 + len(written)
    covered = [offset for one in found.records for offset in range(one.offset, last_offset(one) + 1)]
    assert covered == [*range(7, 7 + len(written))]


@given(st.binary(max_size=200))
def test_bytes_that_are_no_batch_raise_nothing(raw: bytes) -> None:
    assert decode_batches(PARTITION, raw, 3).next_offset >= 3


def test_transactions_that_were_given_up_are_left_out() -> None:
    def transactional(value: bytes, base: int, *, marker: bool = False) -> bytes:
        raw = bytearray(encode_batch([Odd(value)], base_offset=base))
        raw[22] |= 0x30 if marker else 0x10
        raw[43:51] = (5).to_bytes(8, "big")
        raw[17:21] = calc_crc32c(bytes(raw[21:])).to_bytes(4, "big")
        return bytes(raw)

    fetched = transactional(b"no", 0) + transactional(b"", 1, marker=True) + encode_batch([Odd(b"yes")], base_offset=2)
    found = decode_batches(PARTITION, fetched, 0, [(5, 0)])
    assert [one.value for one in found.records if not isinstance(one, Unreadable)] == [b"yes"]
    assert found.next_offset == 3


ONE, TWO = encode_record(Odd(b"one"), 0, 0), encode_record(Odd(b"two"), 1, 0)


@pytest.mark.parametrize(
    ("payload", "attributes", "readable", "sentence"),
    [
        (ONE + TWO, 0, [b"one", b"two"], "cannot be read"),
        (ONE + b"\x7e" + TWO[1:], 0, [b"one"], "a record reaches beyond its batch"),
        (ONE + b"\x01", 0, [b"one"], "a record reaches beyond its batch"),
        (ONE + TWO, 7, [], "compression 7 is not known"),
        (b"no gzip", 1, [], "cannot be read"),
    ],
    ids=["one is missing", "too long", "a negative length", "an unknown codec", "damaged before it was sealed"],
)
def test_where_records_cannot_be_told_apart_the_rest_of_the_batch_is_one(
    payload: bytes, attributes: int, readable: list[bytes], sentence: str
) -> None:
    found = decode_batches(PARTITION, seal_batch(payload, 4, attributes=attributes, base_offset=10, most=5), 10)
    *records, rest = found.records
    assert [one.value for one in records if not isinstance(one, Unreadable)] == readable
    assert isinstance(rest, Unreadable)
    assert (rest.offset, rest.last_offset, rest.timestamp) == (10 + len(readable), 13, 5)
    assert sentence in rest.reason
    assert found.next_offset == 14


def test_a_record_that_reaches_beyond_itself_hides_no_other() -> None:
    odd = bytearray(TWO)
    odd[odd.index(b"two") - 1] = 0x7E
    third = encode_record(Odd(b"three"), 2, 0)
    first, second, last = decode_batches(PARTITION, seal_batch(ONE + bytes(odd) + third, 3, base_offset=7), 7).records
    assert isinstance(second, Unreadable)
    assert (second.offset, second.last_offset) == (8, 8)
    assert "a field reaches beyond its record" in second.reason
    assert not isinstance(first, Unreadable)
    assert not isinstance(last, Unreadable)
    assert (first.value, last.value, last.offset) == (b"one", b"three", 9)


def test_where_the_broker_writes_the_time_every_record_has_that_of_its_batch() -> None:
    appended = 0x08
    payload = encode_record(Odd(b"x", timestamp=3), 0, 1)
    (found,) = decode_batches(PARTITION, seal_batch(payload, 1, attributes=appended, first=1, most=9), 0).records
    assert found.timestamp == 9
    (found,) = decode_batches(PARTITION, seal_batch(payload, 1, first=1, most=9), 0).records
    assert found.timestamp == 3


async def test_without_kafka_a_reader_does_not_open() -> None:
    with pytest.raises(KafkaError):
        async with BatchReader(KafkaConnection("127.0.0.1:9")):
            pytest.fail("there is no Kafka")
