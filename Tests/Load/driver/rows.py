"""The rows of the result: samples, the target of each, and how they are printed."""

import statistics
from dataclasses import dataclass, field


@dataclass
class Target:
    """What DESIGN.md asks for, in the unit of the row."""

    number: float
    at_most: bool = False

    def is_met(self, value: float) -> bool:
        return value <= self.number if self.at_most else value >= self.number

    def __str__(self) -> str:
        return f"{'≤' if self.at_most else '≥'} {self.number:g}"


@dataclass
class Row:
    """One quantity, measured several times; its median is held against the target."""

    name: str
    unit: str
    target: Target | None = None
    samples: list[float] = field(default_factory=list)
    # For ratios: what was divided by what.
    measured: list[float] = field(default_factory=list)
    compared_with: list[float] = field(default_factory=list)
    measured_unit: str = "/s"
    problems: list[str] = field(default_factory=list)
    skipped: str | None = None

    def add_ratio(self, measured: float, compared_with: float):
        """What has nothing to be compared with (no reply came, which is a problem of its own) makes no sample."""
        self.measured.append(measured)
        self.compared_with.append(compared_with)
        if compared_with:
            self.samples.append(measured / compared_with)

    @property
    def verdict(self) -> str:
        if self.problems:
            return "WRONG"
        if not self.samples:
            return "skipped"
        if self.target is None:
            return ""
        if self.target.is_met(statistics.median(self.samples)):
            return "ok"
        return "above" if self.target.at_most else "below"

    def cells(self) -> list[str]:
        spread = ["", "", ""]
        if self.samples:
            values = (min(self.samples), statistics.median(self.samples), max(self.samples))
            spread = [f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}" for value in values]
        return [
            self.name, self._middle(self.measured), self._middle(self.compared_with), *spread, self.unit,
            str(self.target or ""), self.verdict,
        ]

    def _middle(self, values: list[float]) -> str:
        if not values:
            return ""
        middle = statistics.median(values)
        return (f"{middle:,.0f}" if middle >= 100 else f"{middle:,.3g}") + self.measured_unit

    def as_json(self) -> dict:
        row = {
            "name": self.name, "unit": self.unit, "samples": self.samples, "measured": self.measured,
            "compared_with": self.compared_with, "measured_unit": self.measured_unit, "verdict": self.verdict,
            "problems": self.problems, "skipped": self.skipped,
        }
        if self.samples:
            row |= {"min": min(self.samples), "median": statistics.median(self.samples), "max": max(self.samples)}
        if self.target:
            row["target"] = {"at_most" if self.target.at_most else "at_least": self.target.number}
        return row


HEADINGS = ["what", "Millrace", "against", "min", "median", "max", "", "target", ""]


def print_table(rows: list[Row]):
    lines = [HEADINGS, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    for line in lines:
        # Names, units and verdicts to the left, numbers to the right.
        cells = [
            cell.ljust(width) if column in (0, 6, 8) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths))
        ]
        print("  ".join(cells).rstrip())
    for row in rows:
        for problem in row.problems:
            print(f"WRONG  {row.name}: {problem}")
        if row.skipped:
            print(f"skipped  {row.name}: {row.skipped}")
