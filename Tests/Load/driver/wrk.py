"""Runs wrk with one of the scripts in ../wrk, and reads the line that they print for machines."""

import json
import pathlib
import re
import subprocess
from dataclasses import dataclass

SCRIPTS = pathlib.Path(__file__).resolve().parent.parent / "wrk"

# Above anything a healthy server needs, so that a time-out is an error and not a slow round.
REPLY_TIMEOUT_SECONDS = 20


class LoadFailed(Exception):
    """wrk could not run, or what it printed makes no sense."""


@dataclass
class Round:
    """One run of wrk."""

    rate: float
    requests: int
    p50_ms: float
    p99_ms: float
    problems: list[str]


def run(script: str, url: str, arguments: list[str], seconds: int, connections: int, threads: int = 2) -> Round:
    """Waits until wrk has ended. `arguments` go to the script, which documents them in its first lines."""
    command = [
        "wrk", "-t", str(threads), "-c", str(connections), "-d", f"{seconds}s",
        "--timeout", f"{REPLY_TIMEOUT_SECONDS}s", "-s", script, url, "--", *arguments,
    ]
    try:
        # The scripts find `report.lua` in the working folder.
        ended = subprocess.run(
            command, cwd=SCRIPTS, capture_output=True, text=True, timeout=seconds + REPLY_TIMEOUT_SECONDS + 10)
    except FileNotFoundError as error:
        raise LoadFailed("wrk is not installed (Debian: apt-get install wrk)") from error
    except subprocess.TimeoutExpired as error:
        raise LoadFailed(f"wrk -s {script} did not end") from error
    line = re.search(r"^millrace-load (.*)$", ended.stdout, re.MULTILINE)
    # wrk goes on without a script that cannot be loaded or that stops at an error, and says so on standard error only.
    if ended.returncode != 0 or line is None or ended.stderr.strip():
        raise LoadFailed(f"wrk -s {script} failed with {ended.returncode}:\n{ended.stdout}{ended.stderr}")
    return _round(script, url, json.loads(line[1]))


def _round(script: str, url: str, report: dict) -> Round:
    problems = []
    for count, what in (
        (report["wrong_status"], f"replies with an unexpected status {report['statuses'] or ''}".rstrip()),
        (report["connect_errors"], "connections refused or broken"),
        (report["read_errors"], "replies cut short or unreadable"),
        (report["write_errors"], "requests that could not be sent"),
        (report["timeouts"], f"replies later than {REPLY_TIMEOUT_SECONDS} s"),
    ):
        if count:
            problems.append(f"{script} at {url}: {count:.0f} {what}")
    if report["requests"] == 0:
        problems.append(f"{script} at {url}: no reply at all")
    return Round(
        rate=report["requests"] / (report["duration_us"] / 1e6), requests=int(report["requests"]),
        p50_ms=report["p50_us"] / 1000, p99_ms=report["p99_us"] / 1000, problems=problems)
