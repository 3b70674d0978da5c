"""Synthetic data: from a seed come people, their claims and clinical records, as FHIR R4.

Here: facts (no FHIR words), stories that make claims, the arithmetic of paying them, one renderer per
kind of resource. May import: core. Must never: read the clock, a file it was not given, global random,
uuid or the network; take names from a library (they are fixtures); make anything invalid on purpose
(effects do that).
Words: a *story* is one visit or prescription and all that follows from it; an *episode* is what it
leaves behind: claims and events; a *household* is a subscriber and who shares the policy; a claim is
*settled* when adjudication put amounts to it; a *dossier* is everything one member contributes;
*today* is the day everything is told from.
Decided: the data goes on past today, each version of a resource with the time from which it is seen,
so that a clock moved forward finds something new. A household is made, lived and settled whole, then
cut, so that nobody changes when one more is asked for. A merged second record is a retired Patient of
its own; the one that stays names it by identifier, as a reference would leave the compartment.
"""
