"""Stories of one visit or trip, and everything that follows from it.

A story is a function of a Life and a day that returns an Episode, or several where parts of it stand
by themselves. Claims, results and records of one story agree, because the story makes them together.
When and how often each happens is decided in `history` and population.yaml.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from sandbox.synth.claims import line_items, prescriptions
from sandbox.synth.claims.adjudication import cents
from sandbox.synth.config.codes import Vaccine
from sandbox.synth.facts import Claim, ClaimLine, Seat, Term, Trip
from sandbox.synth.facts.events import (
    ClinicalFinding,
    Episode,
    Event,
    LabResult,
    LabTest,
    Vaccination,
    Vitals,
)
from sandbox.synth.people.life import Life

DENTAL_OFFICE = "11"  # CMS place of service
GROWN_UP = 14  # years: from then on a cleaning is an adult's


def preventive_visit(life: Life, day: date, *, first: bool) -> Episode:
    """A wellness visit that costs the member nothing, with all vitals."""
    services = ["first-wellness" if first else "wellness"]
    if life.rng.random() < 0.5:
        services.append("depression-screen")
    checkup = life.spec.codes.reasons["checkup"]
    claim = line_items.chanced(life, line_items.visit(life, day, services, [checkup]))
    return Episode((claim,), (vitals(life, day, full=True),))


def illness(life: Life, day: date) -> Iterator[Episode]:
    """An office visit for something that passes, and perhaps a short course of a drug."""
    name = life.rng.choice(sorted(life.spec.codes.acute))
    acute = life.spec.codes.acute[name]
    services = ["office-visit", *(["ketorolac"] if name == "sprained-ankle" else [])]
    claim = line_items.chanced(life, line_items.visit(life, day, services, [acute.what]))
    yield Episode((claim,), (passing(life, day, acute.what),))
    if acute.drugs:
        yield from prescriptions.order(life, day, life.rng.choice(acute.drugs), acute.what, refills=0)


def follow_up(life: Life, day: date, conditions: Sequence[str], events: Sequence[Event]) -> Episode:
    """A visit for lasting conditions; `events` are what it brings to the record beside vitals."""
    diagnoses = [life.spec.codes.chronic[name].what for name in conditions]
    services = ["follow-up"]
    if "diabetes" in conditions and life.rng.random() < 0.25:
        services.append("diabetes-training")
    claim = line_items.chanced(life, line_items.visit(life, day, services, diagnoses))
    return Episode((claim,), (*events, vitals(life, day, full=False)))


def specialist_visit(life: Life, day: date) -> Episode:
    """A visit to a specialist, to whom the member's own doctor has sent them."""
    referral = line_items.choose(life, life.spec.codes.referrals, day)
    provider = life.specialists
    doctor = life.network.doctor(provider, referral.specialty)
    team = (Seat("rendering", doctor), Seat("referring", life.doctor))
    lines = tuple(line_items.line(life, name, provider) for name in referral.services)
    claim = line_items.professional(life, day, provider, team, lines, [referral.what])
    return Episode((line_items.chanced(life, claim),), (passing(life, day, referral.what),))


def lab_panel(life: Life, day: date, panels: Sequence[str], diagnoses: Sequence[Term]) -> Episode:
    """Blood drawn and measured: one line for each panel, one result for each test."""
    codes, laboratory = life.spec.codes, life.laboratory
    team = (Seat("referring", life.doctor),)
    lines = tuple(line_items.line(life, codes.panels[name].service, laboratory) for name in panels)
    claim = line_items.chanced(life, line_items.professional(life, day, laboratory, team, lines, diagnoses))
    tests = [codes.tests[test] for name in panels for test in codes.panels[name].tests]
    results = tuple(LabResult(day, test, _value(life, test), laboratory) for test in tests)
    return Episode((claim,), results)


def immunization_visit(life: Life, day: date, vaccine: Vaccine) -> Episode:
    """Return a vaccination that costs the member nothing: the shot and the vaccine are billed."""
    reason = life.spec.codes.reasons["vaccination"]
    claim = line_items.chanced(life, line_items.visit(life, day, vaccine.bill, [reason]))
    return Episode((claim,), (Vaccination(day, vaccine.what, life.doctor),))


def vision_exam(life: Life, day: date, *, first: bool) -> Episode:
    """An eye examination, sometimes with spectacle frames."""
    services = ["eye-exam-first" if first else "eye-exam"]
    if life.rng.random() < 0.4:
        services.append("frames")
    optometrist = life.rng.choice(life.network.staff(life.optician))
    team = (Seat("rendering", optometrist),)
    lines = tuple(line_items.line(life, name, life.optician) for name in services)
    claim = line_items.professional(life, day, life.optician, team, lines, [life.spec.codes.reasons["eyes"]])
    return Episode((line_items.chanced(life, replace(claim, kind="vision")),))


def ambulance(life: Life, day: date) -> Episode:
    """A ride to the hospital; the claim says where from, where to and how far."""
    miles = Decimal(life.rng.randrange(20, 190)) / 10
    home = life.member.person.address
    provider = life.ambulance
    lines = (
        line_items.line(life, "ambulance", provider),
        line_items.line(life, "ambulance-mile", provider, miles),
    )
    fall = life.spec.codes.reasons["fall"]
    trip = Trip(miles, f"{home.line}, {home.city}", f"Emergency department, {life.hospital.address.city}")
    claim = line_items.professional(life, day, provider, (), lines, [fall])
    return Episode((replace(claim, trip=trip),))


# --- visits of which the claim is the point --------------------------------------------------------


def denied(life: Life, day: date) -> Episode:
    """A visit of which nothing is paid, and the reason why."""
    acute = illness_of(life)
    claim = line_items.visit(life, day, ["office-visit"], [acute])
    return Episode((line_items.deny(claim, line_items.any_denial(life)),), (passing(life, day, acute),))


def partly_paid(life: Life, day: date) -> Episode:
    """A visit of which one service is paid and the other is not."""
    acute = illness_of(life)
    claim = line_items.visit(life, day, ["office-visit", "ketorolac"], [acute])
    return Episode((line_items.deny(claim, line_items.any_denial(life), 1),), (passing(life, day, acute),))


def out_of_network(life: Life, day: date) -> Episode:
    """A visit to a provider without a contract: dearer, and not paid at all by some plans."""
    acute = illness_of(life)
    provider = life.outside
    team = (Seat("rendering", life.rng.choice(life.network.staff(provider))),)
    lines = (line_items.line(life, "office-visit", provider),)
    claim = line_items.professional(life, day, provider, team, lines, [acute])
    policy = life.member.policy_on(day)
    if policy and policy.plan.outside is None:
        claim = line_items.deny(claim, life.spec.codes.denials["out-of-network"])
    return Episode((claim,), (passing(life, day, acute),))


def capitated(life: Life, day: date) -> Episode:
    """A visit to a provider who is paid by the head: an encounter, which the payer only records."""
    acute = illness_of(life)
    claim = line_items.visit(life, day, ["office-visit"], [acute])
    encounter = replace(claim, capitated=True, processed=claim.received, paid=claim.received)
    return Episode((encounter,), (passing(life, day, acute),))


def coordinated(life: Life, day: date) -> Episode:
    """A visit on a day on which another payer pays first."""
    acute = illness_of(life)
    claim = line_items.visit(life, day, ["office-visit", "ketorolac"], [acute])
    return Episode((claim,), (passing(life, day, acute),))


# --- what the stories are made of ------------------------------------------------------------------


def passing(life: Life, day: date, what: Term) -> ClinicalFinding:
    """A condition that is over after one to three weeks."""
    over = day + timedelta(days=life.rng.randrange(7, 22))
    return ClinicalFinding(day, what, over if over < life.today else None)


def vitals(life: Life, day: date, *, full: bool) -> Vitals:
    """Measurements around what is usual for the member; without `full`, no height."""
    rng, body = life.rng, life.body
    return Vitals(
        day=day,
        systolic=body.systolic + rng.randrange(-8, 9),
        diastolic=body.diastolic + rng.randrange(-5, 6),
        weight=body.weight + Decimal(rng.randrange(-25, 26)) / 10 if full else None,
        height=body.height if full else None,
        by=life.doctor,
    )


def illness_of(life: Life) -> Term:
    """A condition that passes."""
    acute = life.spec.codes.acute
    return acute[life.rng.choice(sorted(acute))].what


def _value(life: Life, test: LabTest) -> Decimal:
    """A result between the bounds, with as many digits as the bounds have."""
    low, high = next((b for name, b in test.when.items() if name in life.member.conditions), test.usual)
    exponent = low.as_tuple().exponent
    assert isinstance(exponent, int), "bounds are finite"
    steps = int((high - low).scaleb(-exponent))
    return low + Decimal(life.rng.randrange(steps + 1)).scaleb(exponent)


def dental_checkup(life: Life, day: date) -> Episode:
    """An examination and a cleaning, now and then with films."""
    cleaning = "cleaning" if life.member.age_on(day) >= GROWN_UP else "cleaning-child"
    services = ["exam", cleaning, *(["bitewings"] if life.rng.random() < 0.5 else [])]
    return Episode((_oral(life, day, tuple(_dental_line(life, name) for name in services)),))


def dental_filling(life: Life, day: date) -> Episode:
    """One back tooth, filled on one or two surfaces."""
    dentistry = life.spec.codes.dentistry
    surfaces = dentistry.surfaces[: life.rng.randint(1, 2)]
    name = "filling-one" if len(surfaces) == 1 else "filling-two"
    tooth = life.rng.choice(dentistry.back_teeth)
    filled = replace(_dental_line(life, name), tooth=tooth, surfaces=tuple(surfaces))
    return Episode((_oral(life, day, (filled,)),))


def _oral(life: Life, day: date, lines: tuple[ClaimLine, ...]) -> Claim:
    dentist = life.rng.choice(life.network.staff(life.dentist))
    team = (Seat("rendering", dentist),)
    return replace(line_items.professional(life, day, life.dentist, team, lines, ()), kind="oral")


def _dental_line(life: Life, name: str) -> ClaimLine:
    service = life.spec.codes.dentistry.services[name]
    return ClaimLine(
        what=service.what,
        units=line_items.ONE,
        charge=cents(service.fee * life.dentist.markup),
        fee=service.fee,
        benefit=service.benefit,
        place=DENTAL_OFFICE,
    )
