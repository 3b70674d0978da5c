"""Chooses the radio buttons, list entries and check boxes of a member who wants to share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sandbox.score.signin.pages.forms import durations
from sandbox.score.signin.pages.page import Control, WebForm
from sandbox.score.signin.pages.words import Tone, is_reversed, means, says, split_name, tone

_SWITCHES: dict[str, Tone] = {
    **dict.fromkeys(("on", "enabled", "y"), "yes"),
    **dict.fromkeys(("off", "disabled", "n"), "no"),
}
LEADING_WORDS = 6  # of a long label: what it says first is what it means


@dataclass
class Chosen:
    """The choices in a form: a control's ref to its value, or to whether it is on.

    `doubts` describes choices that no word on the page decided; `notes` what was done.
    """

    values: dict[int, str | bool | tuple[str, ...]] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Candidate:
    """One of several choices that exclude each other."""

    key: int
    label: str
    value: str
    selected: bool
    placeholder: bool = False

    @property
    def tone(self) -> Tone:
        if switch := _SWITCHES.get(self.label.strip().lower()):
            return switch
        by_label = lead(self.label)
        return by_label if by_label in ("yes", "no") else lead(split_name(self.value)) or by_label


def lead(label: str) -> Tone:
    """Return what a label means by its first words; a short one by all of them."""
    words = label.split()
    return tone(" ".join(words[:LEADING_WORDS]) if len(words) > LEADING_WORDS + 3 else label)


def choose(form: WebForm, username: str, *, consenting: bool, tick_all: bool = False) -> Chosen:
    """Make all choices. `consenting`: the page asks whether to share; `tick_all`: it came again."""
    chosen = Chosen()
    groups: dict[str, list[Control]] = {}
    for control in form.shown:
        if control.kind == "radio":
            groups.setdefault(control.name or f"#{control.ref}", []).append(control)
        elif control.kind == "select":
            _list(control, username, chosen)
        elif control.kind == "checkbox":
            _box(control, chosen, consenting=consenting, tick_all=tick_all)
    for radios in groups.values():
        _radios(radios, username, chosen)
    return chosen


def _radios(radios: Sequence[Control], username: str, chosen: Chosen) -> None:
    candidates = [_Candidate(r.ref, r.label or split_name(r.value), r.value, r.checked) for r in radios]
    question = radios[0].group
    taken = _pick(candidates, question, username, chosen, any(r.required for r in radios))
    for radio in radios:
        chosen.values[radio.ref] = taken is not None and radio.ref == taken.key
    if taken is not None and not taken.selected:
        chosen.notes.append(f"chose {_quoted(taken.label)} of {len(radios)}")


def _list(control: Control, username: str, chosen: Chosen) -> None:
    if means(f"{control.label} {control.hint}", "language") and not means(control.label, "data"):
        return
    if control.multiple:
        values = tuple(o.value for o in control.options if lead(o.label) != "no")
        chosen.values[control.ref] = values
        chosen.notes.append(f"selected {len(values)} of {len(control.options)} in {_quoted(control.called)}")
        return
    explicit = any(option.selected for option in control.options)
    candidates = [
        _Candidate(
            n, o.label, o.value, o.selected or (not explicit and n == 0), _is_placeholder(o.value, o.label)
        )
        for n, o in enumerate(control.options)
    ]
    taken = _pick(candidates, f"{control.group} {control.label}", username, chosen, control.required)
    if taken is not None:
        chosen.values[control.ref] = taken.value
        if not taken.selected:
            chosen.notes.append(f"chose {_quoted(taken.label)} in {_quoted(control.called)}")


def _is_placeholder(value: str, label: str) -> bool:
    return not value or (means(label, "placeholder") and value in ("0", "-1", "none", "default", label))


def _pick(
    candidates: Sequence[_Candidate], question: str, username: str, chosen: Chosen, required: bool
) -> _Candidate | None:
    """Pick the one that shares, else one that does not refuse, else the one already selected."""
    real = [c for c in candidates if not c.placeholder]
    if any(c.tone != "no" for c in _likely(real)):
        real = _likely(real)
    standing = next((c for c in real if c.selected), None)
    if (longest := durations.longest([c.label for c in real])) is not None:
        return real[longest]
    wanted: Tone = "yes"
    if _is_offer(question, real):
        if standing is not None or not required:
            return standing
        wanted = "no"
    elif (is_reversed(question) or _is_of_another(question)) and all(len(c.label.split()) == 1 for c in real):
        wanted = "no"
    other: Tone = "no" if wanted == "yes" else "yes"
    willing = [c for c in real if c.tone == wanted]
    if willing:
        return _fullest(willing) or (standing if standing in willing else willing[0])
    open_ = [c for c in real if c.tone != other]
    if not open_:
        if real:
            chosen.doubts.append(f"no option of {_quoted(question or real[0].label)} means yes")
        return standing
    if standing in open_:
        return _fullest(open_) if means(standing.label, "part") and _fullest(open_) else standing
    named = [c for c in open_ if username and username.casefold() in f"{c.label} {c.value}".casefold()]
    named = named or [c for c in open_ if means(c.label, "member")]
    if len(open_) == 1 or named:
        return (named or open_)[0]
    if full := _fullest(open_):
        return full
    chosen.doubts.append(
        f"one of {len(open_)} options was chosen, although its text does not say which one to choose"
    )
    return open_[0]


def _fullest(candidates: Sequence[_Candidate]) -> _Candidate | None:
    """Return the one that shares everything, if there is one."""
    full = [c for c in candidates if means(c.label, "everything")]
    return next((c for c in full if c.selected), full[0] if full else None)


def _likely(open_: list[_Candidate]) -> list[_Candidate]:
    """Leave out choices that do not fit an active member with an account, unless all are such."""
    likely = [
        c
        for c in open_
        if not (
            (means(c.label, "another_role") and not means(c.label, "member"))
            or means(c.label, "ended")
            or (lead(c.label) == "sign-up" and not means(c.label, "own_account"))
        )
    ]
    return likely or open_


def _is_of_another(question: str) -> bool:
    """Return whether it asks about another role: `Are you a representative?`."""
    return says(question, "of_oneself") and says(question, "another_role") and not says(question, "member")


def _is_offer(question: str, candidates: Iterable[_Candidate]) -> bool:
    words = " ".join([question, *(c.label for c in candidates)])
    return says(words, "marketing") and not says(words, "share")


def _box(box: Control, chosen: Chosen, *, consenting: bool, tick_all: bool) -> None:
    """Tick a box that sharing needs, untick one that refuses, and leave others as they are."""
    label = box.label or split_name(f"{box.value} {box.name}")
    chosen.values[box.ref] = box.checked
    if (lead(label) == "no" and not _is_statement(label)) or is_reversed(box.group):
        if box.checked and not box.required:
            chosen.values[box.ref] = False
            chosen.notes.append(f"unticked {_quoted(label)}")
        return
    if means(label, "marketing") and not box.required:
        return
    if box.checked or not (consenting or box.required or says(label, "terms")):
        return
    is_needed = box.required or says(label, "terms") or _shares(box, label)
    if is_needed or tick_all:
        chosen.values[box.ref] = True
        chosen.notes.append(f"ticked {_quoted(label)}")
    else:
        chosen.doubts.append(f"the box {_quoted(label)} was not changed")


def _is_statement(label: str) -> bool:
    """Return whether the no is part of a statement: `I understand that the app is not covered`."""
    return tone(" ".join(label.split()[:3])) != "no" and says(label, "terms")


def _shares(box: Control, label: str) -> bool:
    if "/" in box.value or lead(label) == "yes" or means(label, "data") or means(label, "everything"):
        return True
    if means(box.group, "consent_page"):
        return True
    return means(box.group, "data") or means(split_name(f"{box.name} {box.hint}"), "data")


def _quoted(text: str) -> str:
    return f"“{text[:60]}”"
