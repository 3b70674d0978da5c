"""The card is told here, one module a form. Pure: a Card in, text or bytes out. `forms` is the list.

May import: the card, the comparison, rich, orjson, Jinja. Must never: judge, or look at evidence.
"""
