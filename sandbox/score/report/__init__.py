"""The card, told: one module a form (text for people, JSON for programs). Pure: a Card in, text out.

May import: the card (rubric), rich, orjson. Must never: judge, or look at evidence.
"""
