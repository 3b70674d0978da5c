"""Sign-in pages: what a browser would show of one, what its words mean, and what a member does next.

`page` reads HTML, `visibility` tells what is shown, `words` and `fields` say what labels mean (their
table is vocabulary.yaml), `choice` decides on one step or stops and says why. Nothing here uses the
network: `walk` outside and `chromium` carry the steps out.
May import: core, selectolax, tinycss2.
Must never: press what means no, or guess without saying so.
"""
