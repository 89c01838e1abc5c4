"""What a POST and a poll cost when many jobs are stored already."""

import statistics

import wrk
from bench import NOOP_LATER, Bench
from rows import Row, Target

# The contract's limit of a batch (API.md).
BATCH = 100_000
SAMPLED_BATCHES = 20
PAGE = 100


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
    """Stores jobs by batches; returns a file of ids from all over them."""
    batches = []
    for size in [BATCH] * (count // BATCH) + ([count % BATCH] if count % BATCH else []):
        body = {"handler": "noop", "args": [{}] * size, "delay": "30d"}
        batches.append(bench.client.expect(202, "POST", "/v1/batches", body)["id"])
        print(f"  {min(len(batches) * BATCH, count):,} of {count:,} stored", flush=True)
    step = max(1, len(batches) // SAMPLED_BATCHES)
    ids = []
    for batch in batches[::step]:
        page = bench.client.expect(200, "GET", f"/v1/jobs?batch={batch}&limit={PAGE}")
        ids += [job["id"] for job in page["jobs"]]
    return bench.write_ids("many", ids)
