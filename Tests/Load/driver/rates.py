"""Requests and jobs a second, as shares of what the baseline can do."""

import wrk
from bench import NOOP, NOOP_LATER, Bench
from client import UnexpectedReply
from rows import Row, Target

# Enough that consecutive polls are of different jobs, few enough that setting up takes no time.
POLLED_JOBS = 1000
UNFINISHED_JOBS = 100


def finished_ids(bench: Bench) -> str:
    ids = [bench.client.submit(handler="noop", args={}) for _ in range(POLLED_JOBS)]
    bench.client.wait_until_state(ids, "succeeded", limit_seconds=60)
    return bench.write_ids("finished", ids)


def polls_of_finished_jobs(bench: Bench, ids: str) -> Row:
    return bench.compare("status polls, finished jobs", "poll.lua", [ids], Target(0.9))


def polls_of_one_finished_job(bench: Bench, job_id: str) -> Row:
    return bench.compare("status polls, one finished job", "poll_one.lua", [job_id], Target(0.9))


def polls_of_unfinished_jobs(bench: Bench) -> Row:
    """Half of the jobs are running (asleep), half wait for their time."""
    submit = bench.client.submit
    running = [submit(handler="sleep", args={"seconds": 7200}, timeout="1d") for _ in range(UNFINISHED_JOBS)]
    waiting = [submit(handler="noop", args={}, delay="30d") for _ in range(UNFINISHED_JOBS)]
    bench.client.wait_until_state(running, "running")
    bench.client.wait_until_state(waiting, "scheduled")
    ids = bench.write_ids("unfinished", [one for pair in zip(running, waiting) for one in pair])
    row = bench.compare("status polls, running and waiting jobs", "poll.lua", [ids], Target(0.5))
    for job_id in running:
        if (state := bench.client.job(job_id)["state"]) != "running":
            row.problems.append(f"job {job_id}, polled as a running one, is {state}")
        status, _, _ = bench.client.exchange("POST", f"/v1/jobs/{job_id}/cancel")
        if status not in (200, 202):
            row.problems.append(f"cancel of job {job_id}: {status}")
    return row


def durable_submits(bench: Bench) -> Row:
    return bench.compare("POST, durable (jobs due later)", "post.lua", [NOOP_LATER], Target(0.5))


def durable_submits_while_running(bench: Bench) -> Row:
    """The workers run what comes in, and take their share of the processors; the next round begins when all is done."""
    return bench.compare(
        "POST, durable, no-ops run meanwhile", "post.lua", [NOOP], None,
        after_round=lambda: bench.client.wait_until_drained("noop"))


def mixed(bench: Bench, ids: str) -> Row:
    return bench.compare("9 polls, 1 durable POST", "mixed.lua", [ids, NOOP_LATER], None)


def jobs_end_to_end(bench: Bench) -> Row:
    """No-op jobs a second from the first POST until all are durably finished, as a share of the baseline's POSTs."""
    row = Row(f"{bench.settings.jobs:,} no-op jobs, POST to result", "×", Target(0.2))
    _run_jobs(bench, row, max(1, bench.settings.jobs // 10))
    for _ in range(bench.settings.rounds):
        limit = bench.load(bench.baseline, "post.lua", ["measure", NOOP])
        row.problems += limit.problems
        row.add_ratio(_run_jobs(bench, row, bench.settings.jobs), limit.rate)
    return row


def _run_jobs(bench: Bench, row: Row, count: int) -> float:
    report = bench.folder / "posted.ids"
    report.unlink(missing_ok=True)
    posted = wrk.run(
        "post_count.lua", bench.server.url, [str(count), NOOP, str(report)], seconds=120,
        connections=min(bench.settings.connections, count), threads=1)
    # Asked often: the pause is the error of the clock.
    drained_ns = bench.client.wait_until_drained("noop", pause_seconds=0.002)
    row.problems += posted.problems
    if not report.exists() or not (lines := report.read_text().split("\n")[:-1]):
        raise UnexpectedReply(f"{count} jobs were not all answered within 120 s")
    started_ns, _ = (int(number) for number in lines[0].split())
    ids = [line for line in lines[1:] if line]
    if len(set(ids)) != count:
        row.problems.append(f"{count} jobs were posted, {len(set(ids))} different ids came back")
    for job_id in ids:
        job = bench.client.job(job_id)
        if job["state"] != "succeeded" or job["result"] != {}:
            row.problems.append(f"job {job_id} is {job['state']} with result {job['result']}: {job['error']}")
            break
    return count / ((drained_ns - started_ns) / 1e9)
