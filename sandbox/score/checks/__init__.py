"""One module a metric: `NEEDS` names its observations, `judge(evidence)` gives its verdict. Pure.

The file's name is the registry: `portal-opt-in` is judged by `portal_opt_in.py`.
"""
