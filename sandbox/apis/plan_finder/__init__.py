"""The plan finder answers under /plans/fhir: insurance plans and their endpoints, for anybody.

May import: `web` and what is below it.
"""
