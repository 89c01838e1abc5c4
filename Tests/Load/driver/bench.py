"""Both sides, running, and how one quantity is compared between them."""

import json
import pathlib
from dataclasses import dataclass

import wrk
from client import Client
from rows import Row, Target
from servers import Server

# Jobs that are submitted by the thousand, as a client writes them.
NOOP = json.dumps({"handler": "noop", "args": {}})
# Due long after the measuring: stored, and nothing more.
NOOP_LATER = json.dumps({"handler": "noop", "args": {}, "delay": "30d"})


@dataclass
class Settings:
    rounds: int
    seconds: int
    warm_up_seconds: int
    connections: int
    jobs: int
    idle_connections: int
    workers: int


@dataclass
class Bench:
    settings: Settings
    folder: pathlib.Path
    server: Server
    baseline: Server
    client: Client

    def load(self, side: Server, script: str, arguments: list[str], seconds: int | None = None) -> wrk.Round:
        result = wrk.run(script, side.url, arguments, seconds or self.settings.seconds, self.settings.connections)
        side.check_alive()
        return result

    def compare(self, name: str, script: str, arguments: list[str], target: Target | None, after_round=None) -> Row:
        """
        The server's rate of one script as a share of the baseline's, in rounds that take turns: A B A B. What else the
        machine does meanwhile so falls on both. Before them each side has a warm-up in which every status is counted.
        `after_round` runs after each round of the server, and is not measured.
        """
        row = Row(name, "×", target)
        for side in (self.baseline, self.server):
            row.problems += self.load(side, script, ["exact", *arguments], self.settings.warm_up_seconds).problems
        if after_round:
            after_round()
        for _ in range(self.settings.rounds):
            limit = self.load(self.baseline, script, ["measure", *arguments])
            reached = self.load(self.server, script, ["measure", *arguments])
            row.add_ratio(reached.rate, limit.rate)
            row.problems += limit.problems + reached.problems
            if after_round:
                after_round()
        return row

    def write_ids(self, name: str, ids: list[str]) -> str:
        path = self.folder / f"{name}.ids"
        path.write_text("\n".join(ids) + "\n")
        return str(path)
