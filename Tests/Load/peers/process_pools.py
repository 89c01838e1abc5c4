#!/usr/bin/env python3
"""What CPython's process pools need for the rows of `Tests/Load/pool`: `multiprocessing.Pool` and `ProcessPoolExecutor`.

    peers/process_pools.py [--quick] [ROW…]

Prints an object: row to pool to a number in the row's unit, or to a word where there is no number.
"""

import argparse
import concurrent.futures
import json
import multiprocessing
import os
import select
import signal
import statistics
import sys
import time

LARGE = 64 << 20


def successor(number):
    return number + 1


def swallow(data):
    return sum(data[::4096])


def produce(count):
    return b"\7" * count


def burn(seed):
    state = seed
    for _ in range(400_000):
        state = (state * 6364136223846793005 + 1442695040888963407) & 0xFFFFFFFFFFFFFFFF
    return state


def worker_pid(_):
    return os.getpid()


def seconds(body):
    began = time.perf_counter()
    body()
    return time.perf_counter() - began


class Pool:
    """multiprocessing.Pool."""

    name = "Pool"

    def __init__(self, workers):
        self.pool = multiprocessing.Pool(workers)
        self.map(successor, range(100))

    def call(self, function, argument):
        return self.pool.apply(function, (argument,))

    def map(self, function, inputs, chunk=None):
        return self.pool.map(function, inputs, chunksize=chunk)

    def end(self):
        self.pool.terminate()
        self.pool.join()


class Executor:
    """concurrent.futures.ProcessPoolExecutor. Its map has no default but chunks of 1."""

    name = "ProcessPoolExecutor"

    def __init__(self, workers):
        self.pool = concurrent.futures.ProcessPoolExecutor(workers)
        self.map(successor, range(100))

    def call(self, function, argument):
        return self.pool.submit(function, argument).result(60)

    def map(self, function, inputs, chunk=None):
        return list(self.pool.map(function, inputs, chunksize=chunk or 1))

    def end(self):
        self.pool.shutdown()


def with_pool(kind, workers, body):
    pool = kind(workers)
    try:
        return body(pool)
    finally:
        pool.end()


def round_trip(kind, quick):
    """Microseconds."""
    def body(pool):
        return statistics.median(seconds(lambda: pool.call(successor, 1)) for _ in range(200 if quick else 3000)) * 1e6
    return with_pool(kind, 1, body)


def map_default(kind, quick):
    """Items a second."""
    count = 20_000 if kind is Executor else 1_000_000
    return with_pool(kind, 2, lambda pool: count / seconds(lambda: pool.map(successor, range(count))))


def map_one(kind, quick):
    """Items a second."""
    count = 2_000 if quick else 20_000
    return with_pool(kind, 2, lambda pool: count / seconds(lambda: pool.map(successor, range(count), 1)))


def payload(kind, quick):
    """Milliseconds for 64 MB there, and 64 MB back."""
    data = b"\3" * LARGE

    def both(pool):
        assert pool.call(swallow, data) == 3 * LARGE // 4096
        assert len(pool.call(produce, LARGE)) == LARGE
    return with_pool(kind, 1, lambda pool: min(seconds(lambda: both(pool)) for _ in range(1 if quick else 3)) * 1000)


def replace(kind, quick):
    """Milliseconds from the kill of an idle worker until another answers."""
    def body():
        pool = kind(1)
        victim = pool.call(worker_pid, None)
        began = time.perf_counter()
        os.kill(victim, signal.SIGKILL)
        try:
            while (pid := pool.call(worker_pid, None)) == victim:
                pass
        except concurrent.futures.process.BrokenProcessPool:
            return "broken for good"
        return (time.perf_counter() - began) * 1000
    return in_a_child(body, 5)


def in_a_child(body, limit):
    """What `body` gives, or "hangs": a Pool whose worker was killed may wait for ever, and its end too."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()
        os.write(writing, json.dumps(body()).encode())
        os._exit(0)
    os.close(writing)
    ready, _, _ = select.select([reading], [], [], limit)
    text = os.read(reading, 1000) if ready else b'"hangs"'
    os.close(reading)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return json.loads(text)


def cores(kind, quick):
    """Time on one worker ÷ time on two."""
    inputs = list(range(8 if quick else 40))
    alone = with_pool(kind, 1, lambda pool: seconds(lambda: pool.map(burn, inputs, 1)))
    return alone / with_pool(kind, 2, lambda pool: seconds(lambda: pool.map(burn, inputs, 1)))


ROWS = {
    "round-trip": round_trip, "map-default": map_default, "map-one": map_one, "payload": payload, "replace": replace,
    "cores": cores,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(ROWS))
    arguments = parser.parse_args()
    for row in arguments.rows:
        if row not in ROWS:
            parser.error(f"there is no row {row}")
    print(json.dumps({
        row: {kind.name: ROWS[row](kind, arguments.quick) for kind in (Pool, Executor)}
        for row in arguments.rows or ROWS
    }))
    return 0


if __name__ == "__main__":
    sys.exit(main())
