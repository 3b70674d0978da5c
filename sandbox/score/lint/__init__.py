"""What the rubric does not count, and a payer will want to know: rules over what passed by while grading.

A rule is a row in `rules.py`. The other modules, one for each kind of document, find where one is broken.
`watch.Watch` sees every answer of an examination and keeps findings, never a body, a token or a name.
May import: core, and of the examiner answers, bundles, findings. Must never: ask for anything.
"""
