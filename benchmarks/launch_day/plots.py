"""The report's plots, as SVG files without a ground: each for a light page and for a dark one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, ParamSpec

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from .measures import IN_TIME, Outcome, Scenario
from .million import Cost
from .service import ATTEMPTS_PER_SECOND

P = ParamSpec("P")


@dataclass(frozen=True)
class Theme:
    """The colours of a plot on a light or a dark page."""

    ink: str
    dim: str
    grid: str
    outage: str
    policies: tuple[str, str, str, str, str, str]
    families: tuple[str, str, str, str]
    """Of the families of spacings, the chosen one first."""

    def policy(self, name: str) -> str:
        """The colour of a policy."""
        return dict(zip(POLICIES, self.policies, strict=True))[name]

    @property
    def settings(self) -> dict[str, str]:
        """What matplotlib draws in these colours by itself."""
        inks = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
        return dict.fromkeys(inks, self.ink) | {"grid.color": self.grid}


POLICIES = (
    "no retry",
    "every 2 s",
    "exponential, to 60 s",
    "watched (8 attempts)",
    "watched, again after a minute",
    "patient",
)

THEMES = {
    "light": Theme(
        ink="#1f2a30",
        dim="#666666",
        grid="#e6e6e6",
        outage="#f1e3e3",
        policies=("#80868b", "#c5221f", "#e37400", "#7b4bb7", "#1967d2", "#0b6e4f"),
        families=("#0b6e4f", "#b8860b", "#5f6368", "#a0527a"),
    ),
    "dark": Theme(
        ink="#dfe7ea",
        dim="#a7b3b8",
        grid="#3b454c",
        outage="#4a3236",
        policies=("#9aa0a6", "#ff8a80", "#ffb74d", "#c9a6ff", "#82b1ff", "#5fd6a8"),
        families=("#5fd6a8", "#ffd166", "#b0bec5", "#f19cc4"),
    ),
}

AS_FAST = 1.01
"""A policy that needs less than this many times the best time cannot be told from the best in a plot."""

mpl.rcParams.update(
    {
        "svg.fonttype": "none",
        "svg.hashsalt": "launch day",
        "font.family": "sans-serif",
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "legend.frameon": False,
        "savefig.transparent": True,
    }
)


def _in_each_theme(draw: Callable[Concatenate[Theme, P], Any]) -> Callable[Concatenate[Path, P], None]:
    """Have a plot drawn in each theme. `signed-in.svg` becomes `signed-in-light.svg` and `signed-in-dark.svg`."""

    def drawn(path: Path, /, *args: P.args, **facts: P.kwargs) -> None:
        for name, theme in THEMES.items():
            with mpl.rc_context(theme.settings):
                figure = draw(theme, *args, **facts)
                figure.savefig(path.with_stem(f"{path.stem}-{name}"), metadata={"Date": None, "Creator": None})

    return drawn


def shown(name: str, text: str) -> str:
    """A plot in Markdown, for light and for dark pages."""
    return " ".join(f"![{text}]({name}-{theme}.svg#gh-{theme}-mode-only)" for theme in THEMES)


@_in_each_theme
def signed_in_over_time(theme: Theme, scenario: Scenario, outcomes: Sequence[Outcome]) -> Any:
    """Plot the number of signed-in players over time, beside the theoretical best. Policies that are as fast share a line."""
    figure, axes = _axes("Minutes after the opening", "Players signed in")
    ends = 1.5 * scenario.best_time
    best = np.arange(1, len(scenario.best) + 1)
    axes.plot(scenario.best / 60, best, color=theme.ink, ls=(0, (4, 4)), lw=1, label="the theoretical best", zorder=5)
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
            color=theme.policy(found.policy.name),
            lw=4 if found.ratio < AS_FAST else 2,
            label=",\n".join(as_fast) if found.policy.name in as_fast else found.policy.name,
        )
    axes.set_xlim(0, ends / 60)
    axes.set_ylim(0, 1.05 * len(best))
    axes.axvline(IN_TIME * scenario.best_time / 60, color=theme.dim, lw=0.8, ls=":")
    axes.text(IN_TIME * scenario.best_time / 60, 0.5 * len(best), f" {IN_TIME} × best", fontsize=8, color=theme.dim)
    axes.legend(loc="upper left", fontsize=8)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    return figure


@_in_each_theme
def time_against_attempts(
    theme: Theme, families: Mapping[str, Sequence[tuple[float, float]]], compared: Sequence[Outcome], chosen: Outcome
) -> Any:
    """Plot the time of 99 % of the players against attempts per player: families of spacings, the policies, the chosen one."""
    figure, axes = _axes("Time until 99 % are in, beside the best time", "Attempts per player until then")
    for (name, points), colour in zip(families.items(), theme.families, strict=True):
        ratios, attempts = [ratio for ratio, _ in points], [attempts for _, attempts in points]
        axes.plot(ratios, attempts, marker=".", lw=1, color=colour, label=name)
    for found in compared:
        if found is not chosen and np.isfinite(found.ratio):
            axes.plot([found.ratio], [found.attempts], "s", ms=5, color=theme.policy(found.policy.name))
            axes.annotate(
                found.policy.name, (found.ratio, found.attempts), (6, 3), textcoords="offset points", fontsize=8
            )
    axes.plot(
        [chosen.ratio],
        [chosen.attempts],
        "*",
        ms=15,
        color=theme.policy("patient"),
        zorder=5,
        label="patient, as chosen",
    )
    axes.axvline(IN_TIME, color=theme.dim, lw=0.8, ls=":")
    axes.set_yscale("log")
    axes.text(IN_TIME, 30, f" {IN_TIME} × best", fontsize=8, color=theme.dim)
    axes.set_xlim(0.97, 1.55)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.legend(loc="upper right", fontsize=8)
    return figure


@_in_each_theme
def around_an_outage(theme: Theme, outcomes: Sequence[Outcome], outage: tuple[float, float]) -> Any:
    """Plot the busiest second of each five seconds around an outage."""
    figure, axes = _axes("Minutes from the beginning of the outage", "Attempts in the busiest second of five")
    begins, ends = int(outage[0]) - 180, int(outage[1]) + 720
    for found in outcomes:
        counts = found.day.per_second[begins:ends].reshape(-1, 5).max(axis=1)
        axes.plot(
            (np.arange(begins, ends, 5) - outage[0]) / 60,
            np.maximum(counts, 0.5),
            lw=1.2,
            color=theme.policy(found.policy.name),
            label=found.policy.name,
        )
    axes.axvspan(0, (outage[1] - outage[0]) / 60, color=theme.outage, zorder=0)
    middle, across = (outage[1] - outage[0]) / 120, axes.get_xaxis_transform()
    axes.text(middle, 0.96, "the outage", transform=across, ha="center", va="top", fontsize=8, color=theme.dim)
    axes.set_xlim((begins - outage[0]) / 60, (ends - outage[0]) / 60)
    axes.axhline(3 * ATTEMPTS_PER_SECOND, color=theme.ink, lw=0.8, ls="--")
    axes.text((ends - outage[0]) / 60, 3 * ATTEMPTS_PER_SECOND * 1.08, "3 × budget", ha="right", fontsize=8)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.legend(loc="upper right", fontsize=8)
    return figure


@_in_each_theme
def cost_by_size(theme: Theme, costs: Sequence[Cost]) -> Any:
    """Plot the attempts per player for each size of the crowd."""
    figure, axes = _axes("Players within five minutes", "Attempts per player")
    sizes = [cost.players for cost in costs]
    axes.plot(sizes, [cost.attempts for cost in costs], marker="o", color=theme.policy("patient"))
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
    return figure


def _axes(across: str, up: str) -> tuple[Any, Any]:
    figure = Figure(figsize=(7.2, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    return figure, axes
