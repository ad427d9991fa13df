"""`python -m bench [--smoke]`: measure everything and write the results."""

import argparse
import asyncio
import signal
import sys
import tempfile
from pathlib import Path

from bench import report
from bench.events import measure_events
from bench.growth import measure_growth
from bench.load import BenchError
from bench.memory import measure_memory
from bench.side_by_side import measure
from server.embedded import EmbeddedKafka, EmbeddedMongod


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="run all of it small and write nothing")
    smoke = parser.parse_args().smoke
    # Whoever ends the benchmark ends its servers with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sizes = (200, 1_000) if smoke else (10_000, 1_000_000)
    with tempfile.TemporaryDirectory(prefix="tessera-bench-") as folder:
        mongod, kafka = EmbeddedMongod(Path(folder, "mongo")).start(), EmbeddedKafka(Path(folder, "kafka"))
        try:
            rounds, seconds = (1, 1) if smoke else (3, 5)
            measured = measure(mongod.uri, coupons=sizes[0], rounds=rounds, seconds=seconds)
            grown = asyncio.run(measure_growth(mongod.database_uri, sizes, 5 if smoke else 40))
            batched, single = (300, 30) if smoke else (40_000, 2_000)
            events = asyncio.run(measure_events(mongod.uri, kafka.start().uri, batched=batched, single=single))
            memory = measure_memory(mongod.uri, seconds=1 if smoke else 60)
        except BenchError as fault:
            sys.stderr.write(f"{fault}\n")
            return 1
        finally:
            kafka.stop()
            mongod.stop()
    header = ("verb", f"ms at {sizes[0]:,}", f"ms at {sizes[1]:,}", "ratio")
    sections = [
        ("Side by side", report.side_by_side_tables(measured)),
        ("Growth", report.table(header, grown)),
        ("Events", report.table(("what", "figure"), events)),
        ("Start and memory", report.table(("what", "figure"), memory)),
    ]
    if smoke:
        sys.stdout.write("\n\n".join(text for _, text in sections) + "\n")
    else:
        report.write(sections, measured)
    return 0


if __name__ == "__main__":
    sys.exit(main())
