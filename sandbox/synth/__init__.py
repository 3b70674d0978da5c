"""Tower A, the author: a seed becomes people, their claims and records, and these become FHIR R4.

Here: facts (no FHIR words), the stories that make claims, the arithmetic of paying them, and one
renderer per kind of resource. May import: core. Must never: read the clock, a file it was not given,
global random, uuid or the network; build a Faker inside a loop; make anything invalid on purpose
(damage is an effect's work).
Words: a *story* is one visit or prescription and all that follows from it; an *episode* is what a
story leaves behind: claims and events; a claim is *settled* when adjudication put amounts to it; a
*dossier* is everything one member contributes; *today* is the day everything is told from.
Decided: claims that would be paid on or after today are left out with their events, so that nothing
in the data is younger than today.
"""
