"""What happens to polls while every worker computes."""

import contextlib

import wrk
from bench import Bench
from rows import Row, Target

# Clients that pause: 16 × 1 / 5 ms is about 3,000 polls a second, far from saturating anything.
PACED_CONNECTIONS = 16
PACE_MS = 5


def polls_while_busy(bench: Bench, ids: str) -> list[Row]:
    """Two rows: clients that pause between polls, and clients that ask as fast as they are answered."""
    return [
        _compare(bench, "poll p99, workers busy, paced clients", [ids, str(PACE_MS)], PACED_CONNECTIONS),
        _compare(bench, "poll p99, workers busy, saturated", [ids], bench.settings.connections),
    ]


def _compare(bench: Bench, name: str, arguments: list[str], connections: int) -> Row:
    row = Row(name, "×", Target(2, at_most=True), measured_unit=" ms")

    def round_() -> wrk.Round:
        return wrk.run("poll.lua", bench.server.url, ["measure", *arguments], bench.settings.seconds, connections)

    for _ in range(bench.settings.rounds):
        idle = round_()
        with _busy_workers(bench, row):
            busy = round_()
        row.add_ratio(busy.p99_ms, idle.p99_ms)
        row.problems += idle.problems + busy.problems
    return row


@contextlib.contextmanager
def _busy_workers(bench: Bench, row: Row):
    """Every worker spins inside the `with`, and none does after it."""
    spinning = [bench.client.submit(handler="spin", args={}, timeout="10m") for _ in range(bench.settings.workers)]
    try:
        bench.client.wait_until_state(spinning, "running")
        yield
        for job_id in spinning:
            if (state := bench.client.job(job_id)["state"]) != "running":
                row.problems.append(f"job {job_id} was to keep a worker busy, and is {state}")
    finally:
        for job_id in spinning:
            bench.client.exchange("POST", f"/v1/jobs/{job_id}/cancel")
    bench.client.wait_until_state(spinning, "cancelled")
