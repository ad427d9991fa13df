"""`python -m bench [--smoke]`: measure everything and write the results."""

import argparse
import asyncio
import signal
import sys
import tempfile
from pathlib import Path

from bench import report
from bench.events import measure_events
from bench.faults import measure_faults
from bench.generate import measure_generate
from bench.goals import Figures, goals_table
from bench.growth import measure_growth
from bench.load import BenchError
from bench.memory import measure_memory
from bench.side_by_side import measure
from devtools.embedded import EmbeddedKafka, EmbeddedMongod

CACHE_GIGABYTES = 2
"""Of mongod: the databases of all servers share it, and a database that waits for the disk would hide their costs."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="run all of it small and write nothing")
    parser.add_argument("--most", type=int, default=1_000_000, help="how many rows the growth is measured up to")
    arguments = parser.parse_args()
    # Whoever ends the benchmark ends its servers with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="tessera-bench-") as folder:
        mongod = EmbeddedMongod(Path(folder, "mongo"), cache_gigabytes=CACHE_GIGABYTES).start()
        kafka = EmbeddedKafka(Path(folder, "kafka"))
        try:
            run(mongod, kafka, smoke=arguments.smoke, most=arguments.most)
        except BenchError as fault:
            sys.stderr.write(f"{fault}\n")
            return 1
        finally:
            kafka.stop()
            mongod.stop()
    return 0


def run(mongod: EmbeddedMongod, kafka: EmbeddedKafka, *, smoke: bool, most: int) -> None:
    """Measure part after part, the longest last; what is measured is written, so that nothing is lost with the rest."""
    few, many = (200, 1_000) if smoke else (10_000, most)
    rounds, seconds = (1, 1) if smoke else (3, 5)
    sections: list[tuple[str, str]] = []
    measured = measure(mongod.uri, coupons=few, rounds=rounds, seconds=seconds)

    def keep(title: str, text: str) -> None:
        sections.append((title, text))
        if smoke:
            sys.stdout.write(f"## {title}\n\n{text}\n\n")
        else:
            report.write(sections, measured)

    keep("Side by side", report.side_by_side_tables(measured))
    batched, single = (300, 30) if smoke else (40_000, 2_000)
    events = asyncio.run(measure_events(mongod.uri, kafka.start().uri, batched=batched, single=single))
    keep("Events", report.table(("what", "figure"), events.rows()))
    memory = measure_memory(mongod.uri, requests=1_000 if smoke else 1_000_000, seconds=1 if smoke else 20)
    keep("Start and memory", report.table(("what", "figure"), memory))
    with tempfile.TemporaryDirectory(prefix="tessera-bench-") as folder:
        outages = asyncio.run(measure_faults(mongod.uri, Path(folder), times=1 if smoke else 5))
    columns = ("fault, two workers under load", "nothing is answered for s", "at most")
    keep("Faults", report.table(columns, [outage.row() for outage in outages]))
    grown = asyncio.run(measure_growth(mongod.database_uri, (few, many), 5 if smoke else 40))
    header = ("verb", f"ms at {few:,}", f"ms at {many:,}", "ratio")
    keep("Growth", report.table(header, [verb.row() for verb in grown]))
    codes = 2_000 if smoke else 200_000
    generated = measure_generate(mongod.uri, codes)
    row = (f"`tessera codes generate`, {codes:,} codes: a second", f"{generated:,.0f}")
    keep("Access codes", report.table(("what", "figure"), [row]))
    figures = Figures(measured, events, grown, generated)
    keep("Goals", report.table(("row", "goal", "measured", ""), goals_table(figures)))


if __name__ == "__main__":
    sys.exit(main())
