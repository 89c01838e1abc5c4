"""What a POST and a poll cost when many jobs are stored already."""

import statistics

import wrk
from bench import NOOP_LATER, Bench
from client import UnexpectedReply
from rows import Row, Target

# Posted by one run of wrk.
STEP = 100_000
STEP_LIMIT_SECONDS = 300
# Ids of each step that are polled afterwards.
SAMPLED = 200


def cost_with_many(bench: Bench, count: int) -> list[Row]:
    """Fills the store up to about `count` jobs; a sample is the cost with them as a multiple of the cost before."""
    few = bench.write_ids("few", [bench.client.submit(handler="noop", args={}, delay="30d") for _ in range(1000)])
    scripts = {"POST": ("post.lua", NOOP_LATER), "poll": ("poll.lua", few)}
    rows = {kind: Row(f"cost of a {kind}, {count:,} stored", "×", Target(1.2, at_most=True)) for kind in scripts}
    before = {kind: _rates(bench, rows[kind], *scripts[kind]) for kind in scripts}
    scripts["poll"] = ("poll.lua", _fill(bench, count))
    for kind, row in rows.items():
        typical = statistics.median(before[kind])
        for rate in _rates(bench, row, *scripts[kind]):
            row.measured.append(rate)
            row.compared_with.append(typical)
            # Costs are what rates are the inverse of. A rate of nothing is a problem of its own.
            if rate:
                row.samples.append(typical / rate)
    return list(rows.values())


def _rates(bench: Bench, row: Row, script: str, argument: str) -> list[float]:
    rounds: list[wrk.Round] = [
        bench.load(bench.server, script, ["measure", argument]) for _ in range(bench.settings.rounds)]
    row.problems += [problem for round_ in rounds for problem in round_.problems]
    return [round_.rate for round_ in rounds]


def _fill(bench: Bench, count: int) -> str:
    """Stores jobs that are due much later; returns a file of ids from all over them."""
    report = bench.folder / "stored.ids"
    ids = []
    stored = 0
    while stored < count:
        size = min(STEP, count - stored)
        report.unlink(missing_ok=True)
        wrk.run(
            "post_count.lua", bench.server.url, [str(size), NOOP_LATER, str(report)], seconds=STEP_LIMIT_SECONDS,
            connections=min(bench.settings.connections, size), threads=1)
        if not report.exists():
            raise UnexpectedReply(f"{size} jobs were not all answered within {STEP_LIMIT_SECONDS} s")
        lines = [line for line in report.read_text().split("\n")[1:] if line]
        ids += lines[::max(1, len(lines) // SAMPLED)]
        stored += size
        print(f"  {stored:,} of {count:,} stored", flush=True)
    return bench.write_ids("many", ids)
