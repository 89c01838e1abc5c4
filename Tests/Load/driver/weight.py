"""Memory rows."""

import memory
from bench import Bench
from client import UnexpectedReply
from rows import Row, Target

TARGETS = {"acceptor": Target(15, at_most=True), "worker": Target(4, at_most=True)}
# Descriptors that a process has open besides its connections, generously.
SPARE_DESCRIPTORS = 500


def processes(bench: Bench, when: str) -> list[Row]:
    """One row a role; a sample is one process."""
    rows = []
    for role, weights in memory.pss_by_role(bench.server.pid).items():
        row = Row(f"PSS, {role}, {when}", "MB", TARGETS.get(role), [weight / 1024 for weight in weights])
        if not weights:
            row.skipped = "there is no such process"
        rows.append(row)
    return rows


def idle_connections(bench: Bench, descriptor_limit: int) -> Row:
    count = bench.settings.idle_connections
    row = Row(f"{count:,} idle connections, each", "KB", Target(10, at_most=True))
    if descriptor_limit < count + SPARE_DESCRIPTORS:
        row.skipped = f"needs {count + SPARE_DESCRIPTORS} open files, the limit is {descriptor_limit} (ulimit -Hn)"
        return row
    try:
        row.samples.append(memory.kilobytes_per_idle_connection(bench.server.pid, bench.server.port, count))
    except UnexpectedReply as error:
        row.problems.append(str(error))
    return row
