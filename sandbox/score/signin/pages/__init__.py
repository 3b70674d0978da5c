"""Sign-in pages: what a browser would show of one, what its words mean, and what a member does next.

`reader` makes a `page` of HTML (`labels` name its controls, `visibility` tells what is shown); `words` and
`forms.fields` say what labels mean, by vocabulary.yaml. `choice` decides on one of `steps`: what a form asks
(`forms`), a link or the end (`endings`). `submission` is what a browser would send, `trace` what is told.
Nothing here uses the network: `signin.page_flow` and `signin.chromium` carry the steps out.
May import: core, selectolax, tinycss2. Must never: press what means no, or guess without saying so.
"""
