"""A step as a browser would send it: address, method, and the pairs of the form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sandbox.score.signin.pages.page import Control, WebPage
from sandbox.score.signin.pages.steps import Step


@dataclass(frozen=True)
class Submission:
    """A filled form, ready to send."""

    method: str
    url: str
    pairs: tuple[tuple[str, str], ...] = field(repr=False)


def submit(step: Step, page: WebPage) -> Submission:
    """HTML 4.10.21: controls in order, the pressed button with them, its own action and method first."""
    button = step.button
    written = button.fields if button is not None else ()
    pairs = [pair for control in step.form.controls for pair in _pairs(control, step) if pair[0]]
    pairs = [*written, *(pair for pair in pairs if pair[0] not in dict(written))]
    if button is not None and button.image:
        place = f"{button.name}." if button.name else ""
        pairs += [(f"{place}x", "1"), (f"{place}y", "1")]
    elif button is not None and button.name:
        pairs.append((button.name, button.value))
    action = (button.action if button else "") or step.form.action
    method = (button.method if button else "") or step.form.method
    return Submission(method.upper(), page.join(action) if action else page.url, tuple(pairs))


def _pairs(control: Control, step: Step) -> Iterator[tuple[str, str]]:
    chosen = step.values.get(control.ref)
    if control.kind in ("checkbox", "radio"):
        if control.checked if chosen is None else chosen:
            yield control.name, control.value
    elif control.kind == "select":
        if isinstance(chosen, tuple):
            yield from ((control.name, value) for value in chosen)
        elif isinstance(chosen, str):
            yield control.name, chosen
        else:
            standing = [option.value for option in control.options if option.selected]
            if not standing and not control.multiple and control.options:
                standing = [control.options[0].value]
            yield from ((control.name, value) for value in standing)
    elif isinstance(chosen, str):
        yield control.name, chosen
    else:
        yield control.name, control.value
