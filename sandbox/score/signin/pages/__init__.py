"""Reads sign-in pages: what a browser would show, what the words mean, and what a member does next.

`reader` makes a `page` of HTML (`labels` name its controls, `visibility` decides what is shown). `words` and
`forms.fields` know what labels mean, by vocabulary.yaml. `choice` decides on one of `steps`: to fill a form
(`forms`), to follow a link or to stop (`endings`). `trace` describes what was done.
Nothing here uses the network: `signin.page_flow` and `signin.chromium` carry out the steps.
May import: core, selectolax, tinycss2. Must never: press what means no, or guess without saying so.
"""
