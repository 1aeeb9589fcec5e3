"""Every error that a player can meet has an entry in the documentation: what it means, and what to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sitegen import reasons
from sitegen.advice import ADVICE, CALLS
from sitegen.parts import PARTS
from sudomimus_bridge._service.operations import Operation
from sudomimus_bridge._service.policy import MAX_ATTEMPTS, PATIENT
from sudomimus_bridge.steam._results import _PASSING

pytestmark = pytest.mark.once

DOCS = Path(__file__).parents[2] / "docs"


def known() -> set[str]:
    named = {reason for rule in reasons.ending_rules() for reason in rule.reasons or [reasons.unnamed(rule)]}
    return named | set(reasons.own_reasons())


def test_every_reason_has_advice() -> None:
    """If this fails, a rule or a reason is new: say in docs/sitegen/advice.py what a developer can do about it."""
    assert known() == set(ADVICE)


def test_every_rule_of_the_service_has_an_entry_with_its_sentence() -> None:
    shown = reasons.of_the_service()
    for rule in reasons.ending_rules():
        assert f"> {rule.sentence}" in shown
        for reason in rule.reasons:
            assert f"#### `{reason}`" in shown
    assert len(list(reasons.ending_rules())) > 50
    assert set(CALLS) == set(Operation)


def test_each_entry_says_for_every_call_how_often_it_is_repeated() -> None:
    """Rows that differ only in the call and its repeats share the texts of one entry."""
    entries = {entry.partition("\n")[0]: entry for entry in reasons.of_the_service().split("#### ")}
    for rule in reasons.ending_rules():
        times = {0: "not repeated", 1: "repeated once"}.get(rule.repeats, f"repeated up to {rule.repeats} times")
        for name in [f"`{reason}`" for reason in rule.reasons] or [reasons.unnamed(rule)]:
            assert times in entries[name], name
    for status in ("429", "503"):
        assert f"Answer to any other call, status {status}: the request is repeated up to 7 times." in entries[status]


def test_reasons_that_the_code_chooses_at_run_time_are_found() -> None:
    assert set(reasons.own_reasons()) >= {
        *_PASSING,
        "SteamNotRunning",
        "NoThreadsLeft",
        "NoFilesLeft",
        "RenpySteamFailed",
    }


def test_detail_names_what_is_known_only_at_run_time() -> None:
    found = [own for each in reasons.own_reasons().values() for own in each]
    assert [own for own in found if "…" in own.sentence + own.detail or not own.sentence] == []
    details = {own.reason: own.detail for own in found}
    assert details["ValidForTooLong"] == (
        "Access tokens of ‹application› live ‹lifetime› seconds, so none is valid for ‹valid_for›. Pass a smaller valid_for."
    )


def test_every_setting_of_the_local_service_has_a_meaning() -> None:
    rows = [line.split(" | ") for line in PARTS["local-service-settings"]().splitlines() if line.startswith("| `")]
    rows += [line.split(" | ") for line in PARTS["local-service-faults"]().splitlines() if line.startswith("| `")]
    assert len(rows) > 90
    assert [row for row in rows if len(row) != 4 or any(cell.strip("| ") == "" for cell in row)] == []


def test_every_reason_of_the_contract_that_ends_a_login_has_an_entry() -> None:
    contract = (DOCS / "contracts" / "service.md").read_text(encoding="utf-8")
    families = "Account|Application|EmailDomain|Inquiry|Layer|RefreshToken|Sso"
    named = set(re.findall(rf"`((?:{families})[A-Z0-9]\w+)`", contract))
    assert named - set(ADVICE) <= {"ApplicationAnchor"}


def test_page_about_retries_states_the_policy() -> None:
    text = " ".join((DOCS / "understand" / "retries.md").read_text(encoding="utf-8").split())
    assert f"{PATIENT.seconds:g} seconds at first, {PATIENT.growth:g} times as long" in text
    assert f"{PATIENT.most / 60:g} minutes in the end" in text
    assert f"at most {MAX_ATTEMPTS} attempts" in text


@pytest.mark.parametrize("name", sorted(PARTS))
def test_part_of_a_page_can_be_built(name: str) -> None:
    built = PARTS[name]()
    assert len(built) > 300
    assert "None |" not in built
    assert any(f"<!-- part: {name} -->" in path.read_text(encoding="utf-8") for path in DOCS.rglob("*.md"))
