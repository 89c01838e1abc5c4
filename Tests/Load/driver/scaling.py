"""Whether c workers do c times as much as one."""

import os
import time

from bench import Bench
from client import Client, UnexpectedReply
from rows import Row, Target

# A job of this length makes the way to and from the worker not count.
JOB_SECONDS = 0.3
JOBS_PER_WORKER = 4
LARGEST_INPUT = 10**12


def cpu_bound_batch(bench: Bench) -> Row:
    """A batch of equal jobs against the same number of them one after the other, as a share of c times as fast."""
    cores = min(bench.settings.workers, os.cpu_count() or 1)
    count = cores * JOBS_PER_WORKER
    row = Row(f"CPU-bound batch, share of {cores} × one core", "×", Target(0.95), measured_unit=" s")
    below = _input_of_wanted_length(bench.client)
    for _ in range(bench.settings.rounds):
        alone = sum(_seconds_of_one(bench.client, below) for _ in range(JOBS_PER_WORKER)) * cores
        together = _seconds_of_batch(bench.client, below, count)
        row.measured.append(together)
        row.compared_with.append(alone)
        row.samples.append(alone / together / cores)
    return row


def _input_of_wanted_length(client: Client) -> int:
    below = 1_000_000
    while _seconds_of_one(client, below) < JOB_SECONDS:
        below *= 2
        if below > LARGEST_INPUT:
            raise UnexpectedReply(f"count_primes below {LARGEST_INPUT} takes less than {JOB_SECONDS} s")
    return below


def _seconds_of_one(client: Client, below: int) -> float:
    started = time.monotonic()
    job = client.expect(200, "POST", "/v1/jobs?wait=60", {"handler": "count_primes", "args": {"below": below}})
    elapsed = time.monotonic() - started
    if job["state"] != "succeeded":
        raise UnexpectedReply(f"count_primes below {below} is {job['state']}: {job['error']}")
    return elapsed


def _seconds_of_batch(client: Client, below: int, count: int) -> float:
    """As many jobs at once: posted one by one, which takes no time to speak of, and each waited for."""
    started = time.monotonic()
    ids = [client.submit(handler="count_primes", args={"below": below}) for _ in range(count)]
    for job_id in ids:
        job = client.expect(200, "GET", f"/v1/jobs/{job_id}?wait=60")
        if job["state"] != "succeeded":
            raise UnexpectedReply(f"job {job_id} is {job['state']}: {job['error']}")
    return time.monotonic() - started
