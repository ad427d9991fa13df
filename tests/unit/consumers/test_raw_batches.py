"""Batches that are read without the client: what is readable in them is read, and the rest is told apart."""

from aiokafka import TopicPartition
from aiokafka.record.util import calc_crc32c
from hypothesis import given
from hypothesis import strategies as st

from consumers.kafka.raw_batches import Unreadable, decode_batches, last_offset
from tests.support.raw_records import CODECS, Odd, encode_batch

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
