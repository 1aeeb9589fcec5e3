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

AS_FAST = 1.01
"""A policy that needs less than this many times the best time cannot be told from the best in a plot."""

FAMILY_COLOURS = (PATIENT_COLOUR, "#b8860b", "#5f6368", "#a0527a")
"""Of the families of spacings. None of them is a policy's."""

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
    """Plot the number of signed-in players over time, beside the theoretical best. Policies that are as fast share a line."""
    figure, axes = _axes("Minutes after the opening", "Players signed in")
    ends = 1.5 * scenario.best_time
    best = np.arange(1, len(scenario.best) + 1)
    axes.plot(scenario.best / 60, best, color="black", ls=(0, (4, 4)), lw=1, label="the theoretical best", zorder=5)
    as_fast = [found.policy.name for found in outcomes if found.ratio < AS_FAST]
    for found in outcomes:
        if found.ratio < AS_FAST and found.policy.name != as_fast[0]:
            continue
        times = np.sort(found.day.signed_in)
        times = times[times <= ends]
        counts = np.arange(1, len(times) + 1)
        axes.plot(
            np.append(times, ends) / 60,
            np.append(counts, len(times)),
            color=COLOURS[found.policy.name],
            lw=4 if found.ratio < AS_FAST else 2,
            label=";\n".join(as_fast) if found.policy.name in as_fast else found.policy.name,
        )
    axes.set_xlim(0, ends / 60)
    axes.set_ylim(0, 1.05 * len(best))
    axes.axvline(IN_TIME * scenario.best_time / 60, color="#888888", lw=0.8, ls=":")
    axes.text(IN_TIME * scenario.best_time / 60, 0.5 * len(best), f" {IN_TIME} × best", fontsize=8, color="#666666")
    axes.legend(loc="upper left", fontsize=8)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    _save(figure, path)


def time_against_attempts(
    path: Path, families: Mapping[str, Sequence[tuple[float, float]]], compared: Sequence[Outcome], chosen: Outcome
) -> None:
    """Plot the time of 99 % of the players against attempts per player: families of spacings, the policies, the chosen one."""
    figure, axes = _axes("Time until 99 % are in, beside the best time", "Attempts per player until then")
    for (name, points), colour in zip(families.items(), FAMILY_COLOURS, strict=True):
        ratios, attempts = [ratio for ratio, _ in points], [attempts for _, attempts in points]
        axes.plot(ratios, attempts, marker=".", lw=1, color=colour, label=name)
    for found in compared:
        if found is not chosen and np.isfinite(found.ratio):
            axes.plot([found.ratio], [found.attempts], "s", ms=5, color=COLOURS[found.policy.name])
            axes.annotate(
                found.policy.name, (found.ratio, found.attempts), (6, 3), textcoords="offset points", fontsize=8
            )
    axes.plot([chosen.ratio], [chosen.attempts], "*", ms=15, color=PATIENT_COLOUR, zorder=5, label="patient, as chosen")
    axes.axvline(IN_TIME, color="#888888", lw=0.8, ls=":")
    axes.set_yscale("log")
    axes.text(IN_TIME, 30, f" {IN_TIME} × best", fontsize=8, color="#666666")
    axes.set_xlim(0.97, 1.55)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.legend(loc="upper right", fontsize=8)
    _save(figure, path)


def around_an_outage(path: Path, outcomes: Sequence[Outcome], outage: tuple[float, float]) -> None:
    """Plot the busiest second of each five seconds around an outage."""
    figure, axes = _axes("Minutes from the beginning of the outage", "Attempts in the busiest second of five")
    begins, ends = int(outage[0]) - 180, int(outage[1]) + 720
    for found in outcomes:
        counts = found.day.per_second[begins:ends].reshape(-1, 5).max(axis=1)
        axes.plot(
            (np.arange(begins, ends, 5) - outage[0]) / 60,
            np.maximum(counts, 0.5),
            lw=1.2,
            color=COLOURS[found.policy.name],
            label=found.policy.name,
        )
    axes.axvspan(0, (outage[1] - outage[0]) / 60, color="#f1e3e3", zorder=0)
    middle, across = (outage[1] - outage[0]) / 120, axes.get_xaxis_transform()
    axes.text(middle, 0.96, "the outage", transform=across, ha="center", va="top", fontsize=8, color="#8a5a5a")
    axes.set_xlim((begins - outage[0]) / 60, (ends - outage[0]) / 60)
    axes.axhline(3 * ATTEMPTS_PER_SECOND, color="black", lw=0.8, ls="--")
    axes.text((ends - outage[0]) / 60, 3 * ATTEMPTS_PER_SECOND * 1.08, "3 × budget", ha="right", fontsize=8)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.legend(loc="upper right", fontsize=8)
    _save(figure, path)


def cost_by_size(path: Path, costs: Sequence[Cost]) -> None:
    """Plot the attempts per player for each size of the crowd."""
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
