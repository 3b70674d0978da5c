"""Draw the survey's distributions as inline SVG without scripts or fonts, for light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from sandbox.score.fleet.survey import MetricSpread, VendorStanding

_WIDE = 640
_SHADES = ("#1a7f37", "#5aa02c", "#a8a800", "#d4a72c", "#d9822b", "#cf5b36", "#b3261e", "#7d1a14")


def histogram(scores: Sequence[int], most: int, step: int = 5) -> str:
    """Draw how many payers have which score, in steps of five."""
    bins = [0] * (most // step + 1)
    for score in scores:
        bins[min(score // step, len(bins) - 1)] += 1
    tallest, high, floor = max([*bins, 1]), 180, 200
    slot = _WIDE / len(bins)
    bars = []
    for place, count in enumerate(bins):
        tall = high * count / tallest
        x, low = place * slot, place * step
        label = f"{low}" if low + step > most else f"{low} to {low + step - 1}"
        bars.append(
            f'<rect x="{x + 1:.1f}" y="{floor - tall:.1f}" width="{slot - 2:.1f}" height="{tall:.1f}" '
            f'fill="#3b74b8"><title>{label} points: {count}</title></rect>'
        )
        if count:
            bars.append(_text(x + slot / 2, floor - tall - 4, str(count)))
        if low % 10 == 0:
            bars.append(_text(x + slot / 2, floor + 16, str(low)))
    line = f'<line x1="0" y1="{floor}" x2="{_WIDE}" y2="{floor}" stroke="currentColor" stroke-width="1"/>'
    return _svg(_WIDE, floor + 24, "How many payers have which score", "".join(bars) + line)


def vendors(standings: Sequence[VendorStanding], most: int) -> str:
    """Draw each vendor's span of subtotals, with the medians of totals (dot) and metrics (bar)."""
    row, left, right = 18, 96, 90
    scale = (_WIDE - left - right) / max(most, 1)
    parts = []
    for place, vendor in enumerate(standings):
        y = place * row + 12
        a, b = left + vendor.lowest * scale, left + vendor.highest * scale
        label = f"{vendor.vendor}: {vendor.by_metric:g} by metric, {vendor.by_totals:g} by totals"
        parts.append(
            f"<g><title>{escape(label)}</title>"
            f'<line x1="{a:.1f}" y1="{y}" x2="{b:.1f}" y2="{y}" stroke="#8a94a0" stroke-width="5" '
            f'stroke-linecap="round"/>'
            f'<circle cx="{left + vendor.by_totals * scale:.1f}" cy="{y}" r="4" fill="#3b74b8"/>'
            f'<rect x="{left + vendor.by_metric * scale - 1.5:.1f}" y="{y - 7}" width="3" height="14" '
            f'fill="#d9822b"/></g>'
        )
        parts.append(_text(left - 8, y + 4, escape(vendor.vendor[:14]), "end"))
        parts.append(_text(_WIDE - right + 8, y + 4, f"{vendor.by_metric:g} (n {vendor.payers})", "start"))
    return _svg(_WIDE, len(standings) * row + 12, "Vendors: span and medians of their payers", "".join(parts))


def bands(metric: MetricSpread) -> str:
    """Draw one metric's bands as one bar: best on the left, unseen last and dashed."""
    total = sum(count for *_, count in metric.bands) + metric.unseen
    x, parts = 0.0, []
    for words, points, count in metric.bands:
        wide = _WIDE * count / max(total, 1)
        shade = _SHADES[round((1 - points / metric.max) * (len(_SHADES) - 1))] if metric.max else _SHADES[0]
        parts.append(
            f'<rect x="{x:.1f}" y="0" width="{wide:.1f}" height="26" fill="{shade}">'
            f"<title>{escape(words)}, {points} points: {count}</title></rect>"
        )
        if wide > 34:
            parts.append(
                f'<text x="{x + wide / 2:.1f}" y="18" text-anchor="middle" font-size="13" '
                f'style="fill:#fff">{count}</text>'
            )
        x += wide
    if metric.unseen:
        parts.append(
            f'<rect x="{x:.1f}" y="0" width="{_WIDE - x:.1f}" height="26" fill="none" '
            f'stroke="#8a94a0" stroke-dasharray="4"><title>not seen: {metric.unseen}</title></rect>'
        )
    return _svg(_WIDE, 26, f"{metric.title}: how many payers are in which band", "".join(parts))


def _text(x: float, y: float, text: str, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="12">{text}</text>'


def _svg(wide: int, high: int, label: str, inside: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" '
        f'role="img" aria-label="{escape(label)}" font-family="system-ui,sans-serif">{inside}</svg>'
    )
