"""The published APIs live here, one folder each.

An API may import `web` and what is below it. Must never: import another API, `synth`, `score` or `review`.
"""
