"""Editions of the rubric are data: metrics, points, bands and readings, a YAML file each.

May import: `core`, `score.evidence`. Must never: ask for anything.
"""
