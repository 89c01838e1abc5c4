#!/usr/bin/env python3
"""No-op jobs a second in CPython's own process pools, in memory and without HTTP, and a bare socket pair for scale.

    peers/pools.py [--workers 2] [--jobs 5000] [--json]

Not peers of a durable server: they say what the machinery below costs elsewhere, on the same machine.
"""

import argparse
import asyncio
import concurrent.futures
import json
import multiprocessing
import os
import socket
import sys
import time

# As many calls in flight as connections in the load on the server.
WINDOW = 64


def noop(_):
    return {}


def per_second(jobs: int, started: float) -> float:
    return jobs / (time.perf_counter() - started)


def pool_apply_async(workers: int, jobs: int) -> float:
    with multiprocessing.Pool(workers) as pool:
        pool.map(noop, range(workers * 10))
        started = time.perf_counter()
        pending = []
        for index in range(jobs):
            if len(pending) == WINDOW:
                pending.pop(0).get(30)
            pending.append(pool.apply_async(noop, (index,)))
        for call in pending:
            call.get(30)
        return per_second(jobs, started)


def pool_apply_one_by_one(workers: int, jobs: int) -> float:
    with multiprocessing.Pool(workers) as pool:
        pool.map(noop, range(workers * 10))
        started = time.perf_counter()
        for index in range(jobs):
            pool.apply(noop, (index,))
        return per_second(jobs, started)


def pool_map(workers: int, jobs: int) -> float:
    with multiprocessing.Pool(workers) as pool:
        pool.map(noop, range(workers * 10))
        started = time.perf_counter()
        pool.map(noop, range(jobs))
        return per_second(jobs, started)


def executor_from_asyncio(workers: int, jobs: int) -> float:
    async def run(executor) -> float:
        loop = asyncio.get_running_loop()
        places = asyncio.Semaphore(WINDOW)

        async def call(index):
            async with places:
                await loop.run_in_executor(executor, noop, index)

        await asyncio.gather(*(call(index) for index in range(workers * 10)))
        started = time.perf_counter()
        await asyncio.gather(*(call(index) for index in range(jobs)))
        return per_second(jobs, started)

    with concurrent.futures.ProcessPoolExecutor(workers) as executor:
        return asyncio.run(run(executor))


def executor_map(workers: int, jobs: int) -> float:
    with concurrent.futures.ProcessPoolExecutor(workers) as executor:
        list(executor.map(noop, range(workers * 10)))
        started = time.perf_counter()
        list(executor.map(noop, range(jobs)))
        return per_second(jobs, started)


def socket_pair(_workers: int, jobs: int) -> float:
    """Round trips of 64 bytes between two processes, one at a time."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    # Nothing has started a thread before, so the fork is safe.
    child = os.fork()
    if child == 0:
        ours.close()
        while message := theirs.recv(64):
            theirs.send(message)
        os._exit(0)
    theirs.close()
    try:
        started = time.perf_counter()
        for _ in range(jobs):
            ours.send(b"x" * 64)
            ours.recv(64)
        return per_second(jobs, started)
    finally:
        ours.close()
        os.waitpid(child, 0)


# The socket pair comes first: the pools start threads.
MEASUREMENTS = {
    "socket pair in Python, one at a time": socket_pair,
    "multiprocessing.Pool.apply, one at a time": pool_apply_one_by_one,
    f"multiprocessing.Pool.apply_async, {WINDOW} in flight": pool_apply_async,
    "multiprocessing.Pool.map, default chunks": pool_map,
    "ProcessPoolExecutor.map, one by one": executor_map,
    f"asyncio, run_in_executor, {WINDOW} in flight": executor_from_asyncio,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=5000)
    parser.add_argument("--json", action="store_true", help="print one object: name to jobs a second")
    arguments = parser.parse_args()
    rates = {name: measure(arguments.workers, arguments.jobs) for name, measure in MEASUREMENTS.items()}
    if arguments.json:
        print(json.dumps(rates))
    else:
        for name, rate in rates.items():
            print(f"{name:50} {rate:10,.0f}/s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
