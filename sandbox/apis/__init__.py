"""The published APIs live here, one folder each; a folder registers itself in its module `api`.

An API may import `web` and what is below it. Must never: import another API, `synth`, `score` or `review`.
Other packages bring APIs through the entry-point group `payer_sandbox.apis`: each entry point is an `Api`, or
a sequence of them.
"""
