"""Guidance: what each metric measures, why points are lost, and what to do about it.

One file a metric, `shared.yaml` for causes that several have. The pages in docs/checks are made of it
(`pages.py`), and the advice on the card. Texts only: nothing here earns or costs a point.
"""
