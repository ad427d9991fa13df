"""`tessera codes generate`: how many access codes a second are made and committed, indexes and totals with them."""

import subprocess
import sys
import time

from pymongo import MongoClient

from bench.load import BenchError
from bench.servers import ROOT, tessera

BATCH = "bench"


def measure_generate(mongo_uri: str, count: int) -> float:
    """Codes a second, from the start of the command to its end. Raises `BenchError` where one is missing."""
    server = tessera(mongo_uri, name="Codes")
    with MongoClient[dict[str, object]](server.mongo_uri) as client:
        client.drop_database(server.database)
        server.start().stop()  # Makes the indexes.
        command = [sys.executable, "-m", "server", "codes", "generate", "--count", str(count), "--batch", BATCH]
        began = time.perf_counter()
        done = subprocess.run(command, cwd=ROOT, env=server.environment, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - began
        made = client[server.database]["accesscodes"].count_documents({})
        if done.returncode or made != count:
            raise BenchError(f"{made} of {count} codes were made: {done.stderr}")
        client.drop_database(server.database)
    return count / seconds
