"""The report's plots, as SVG files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from .measures import IN_TIME, Outcome, Scenario
from .million import Cost
from .service import ATTEMPTS_PER_SECOND

PATIENT_COLOUR = "#0b6e4f"
COLOURS = {
    "no retry": "#9aa0a6",
    "every 2 s": "#c5221f",
    "exponential, to 60 s": "#e37400",
    "watched (8 attempts)": "#7b4bb7",
    "watched, again after a minute": "#1967d2",
    "patient": PATIENT_COLOUR,
}

mpl.rcParams.update(
    {
        "svg.fonttype": "none",
        "svg.hashsalt": "launch day",
        "font.family": "sans-serif",
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.color": "#e6e6e6",
        "axes.axisbelow": True,
        "legend.frameon": False,
    }
)


def signed_in_over_time(path: Path, scenario: Scenario, outcomes: Sequence[Outcome]) -> None:
    """Players signed in over time, beside the best."""
    figure, axes = _axes("Minutes after the opening", "Players signed in")
    ends = 1.5 * scenario.best_time
    axes.plot(
        scenario.best / 60, np.arange(1, len(scenario.best) + 1), color="black", ls="--", lw=1.2, label="the best"
    )
    for found in outcomes:
        times = np.sort(found.day.signed_in)
        times = times[times <= ends]
        counts = np.arange(1, len(times) + 1)
        axes.plot(
            np.append(times, ends) / 60,
            np.append(counts, len(times)),
            color=COLOURS[found.policy.name],
            label=found.policy.name,
        )
    axes.axvline(IN_TIME * scenario.best_time / 60, color="#888888", lw=0.8, ls=":")
    axes.text(IN_TIME * scenario.best_time / 60, 0, f" {IN_TIME} × best", fontsize=8, color="#666666")
    axes.legend(loc="upper left", fontsize=8)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    _save(figure, path)


def time_against_attempts(
    path: Path, families: Mapping[str, Sequence[tuple[float, float]]], compared: Sequence[Outcome], chosen: Outcome
) -> None:
    """Time of 99 % beside the best, against attempts per player: families of shapes, the policies, and the chosen one."""
    figure, axes = _axes("Time until 99 % are in, beside the best time", "Attempts per player until then")
    for name, points in families.items():
        axes.plot([ratio for ratio, _ in points], [attempts for _, attempts in points], marker=".", lw=1, label=name)
    for found in compared:
        if found is not chosen and np.isfinite(found.ratio):
            axes.plot([found.ratio], [found.attempts], "s", ms=5, color=COLOURS[found.policy.name])
            axes.annotate(
                found.policy.name, (found.ratio, found.attempts), (6, 3), textcoords="offset points", fontsize=8
            )
    axes.plot([chosen.ratio], [chosen.attempts], "*", ms=15, color=PATIENT_COLOUR, zorder=5, label="patient, as chosen")
    axes.axvline(IN_TIME, color="#888888", lw=0.8, ls=":")
    axes.set_yscale("log")
    axes.set_xlim(0.95, 2.0)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.legend(loc="upper right", fontsize=8)
    _save(figure, path)


def around_an_outage(path: Path, outcomes: Sequence[Outcome], outage: tuple[float, float]) -> None:
    """Attempts in each second around an outage."""
    figure, axes = _axes("Minutes from the beginning of the outage", "Attempts in each second")
    begins, ends = int(outage[0]) - 180, int(outage[1]) + 900
    for found in outcomes:
        counts = found.day.per_second[begins:ends]
        axes.plot(
            (np.arange(begins, ends) - outage[0]) / 60,
            np.maximum(counts, 0.5),
            lw=0.8,
            color=COLOURS[found.policy.name],
            label=found.policy.name,
        )
    axes.axvspan(0, (outage[1] - outage[0]) / 60, color="#f1e3e3", zorder=0)
    axes.axhline(3 * ATTEMPTS_PER_SECOND, color="black", lw=0.8, ls="--")
    axes.text((ends - outage[0]) / 60, 3 * ATTEMPTS_PER_SECOND * 1.08, "3 × budget", ha="right", fontsize=8)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.legend(loc="upper right", fontsize=8)
    _save(figure, path)


def cost_by_size(path: Path, costs: Sequence[Cost]) -> None:
    """Attempts per player, and time beside the best, from the smallest crowd to the largest."""
    figure, axes = _axes("Players within five minutes", "Attempts per player")
    sizes = [cost.players for cost in costs]
    axes.plot(sizes, [cost.attempts for cost in costs], marker="o", color=PATIENT_COLOUR)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    for cost in costs:
        axes.annotate(
            f"{cost.attempts:.1f} attempts\n{cost.ratio:.2f} × best",
            (cost.players, cost.attempts),
            (-6, 8),
            textcoords="offset points",
            fontsize=8,
            ha="right" if cost.players > 1000 else "left",
        )
    axes.set_ylim(0, 1.2 * max(cost.attempts for cost in costs))
    axes.set_xlim(sizes[0] / 2, sizes[-1] * 1.5)
    _save(figure, path)


def _axes(across: str, up: str) -> tuple[Any, Any]:
    figure = Figure(figsize=(7.2, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    return figure, axes


def _save(figure: Any, path: Path) -> None:
    figure.savefig(path, metadata={"Date": None, "Creator": None})
