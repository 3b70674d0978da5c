"""Interviews: what members are asked at wellness visits, and what they answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from random import Random

from sandbox.synth.clinical.records import Answer, ImmunizationRefusal, Need, RecordEntry, Screening
from sandbox.synth.clinical.visits import Visit
from sandbox.synth.facts import Term
from sandbox.synth.facts.care import Question
from sandbox.synth.people.life import Life

ASKED: dict[str, tuple[float, tuple[int, int], str | None]] = {
    "pregnancy": (0.6, (15, 50), "female"),
    "pregnancy-intent": (0.4, (18, 45), "female"),
    "orientation": (0.3, (18, 75), None),
    "hearing": (0.6, (65, 120), None),
}
"""Question → how often it is asked at a wellness visit, ages, gender (None: anybody)."""

SMOKING_AGE, MOOD_AGE = 14, 13
WORKING = (18, 68)
JOB, HUNGER, REFUSED = 0.5, 0.45, 0.1
HUNGRY_FOR = 300  # days that food insecurity lasts
DECLINED = 0.15
SCREENED_MOOD = "G0444"  # the depression screening, HCPCS level II


def held(life: Life, seen: Sequence[Visit], rng: Random) -> Iterator[RecordEntry]:
    """The answers of all wellness visits. What somebody smokes stays the same."""
    questions = life.spec.codes.questions
    smoking = _drawn(questions["smoking"], rng)
    first = True
    for visit in seen:
        if visit.kind != "wellness":
            continue
        age = life.member.age_on(visit.day)
        if age >= SMOKING_AGE:
            yield RecordEntry.at(visit, Answer(visit.day, "smoking", questions["smoking"], smoking))
        if age >= MOOD_AGE and any(line.what.code == SCREENED_MOOD for line in visit.claim.lines):
            yield RecordEntry.at(visit, Answer(visit.day, "mood", questions["mood"], rng.randrange(4)))
        for name, (share, (youngest, oldest), gender) in ASKED.items():
            fits = youngest <= age <= oldest and gender in (None, life.member.person.gender)
            if rng.random() < share and fits:
                answer = _drawn(questions[name], rng)
                yield RecordEntry.at(visit, Answer(visit.day, name, questions[name], answer))
        if first:
            first = False
            yield from _once(life, visit, age, rng)


def _once(life: Life, visit: Visit, age: int, rng: Random) -> Iterator[RecordEntry]:
    """What is asked at the first wellness visit only."""
    codes = life.spec.codes
    questions = codes.questions
    if rng.random() < JOB and WORKING[0] <= age <= WORKING[1]:
        job, industry = questions["occupation"], questions["industry"]
        (index,) = rng.choices(range(len(job.answers)), job.weights)
        more = (industry, industry.answers[index])
        yield RecordEntry.at(visit, Answer(visit.day, "occupation", job, job.answers[index], more))
    if rng.random() < HUNGER or "hunger" in life.member.surely:
        screening = _screening(codes.questions, visit, rng)
        yield RecordEntry.at(visit, screening)
        _, score = screening.score
        if score == questions["food-risk"].answers[1]:
            over = visit.day + timedelta(days=HUNGRY_FOR) if rng.random() < 0.6 else None
            yield RecordEntry.at(visit, Need(visit.day, codes.hungry, over))
    if rng.random() < REFUSED:
        vaccines = [v for v in life.spec.codes.vaccines.values() if v.used[0] <= visit.day <= v.used[1]]
        ages = [v for v in vaccines if v.ages[0] <= age <= v.ages[1]]
        if ages:
            yield RecordEntry.at(visit, ImmunizationRefusal(visit.day, ages[0].what))


def _screening(questions: Mapping[str, Question], visit: Visit, rng: Random) -> Screening:
    """Two questions; whoever does not answer both with never is at risk."""
    answers: list[tuple[Question, Term | None]] = []
    for name in ("food-worry", "food-gone"):
        answer = _drawn(questions[name], rng)
        answers.append((questions[name], None if rng.random() < DECLINED else answer))
    safe, at_risk = questions["food-risk"].answers
    never = questions["food-worry"].answers[0]
    score = safe if all(answer in (never, None) for _, answer in answers) else at_risk
    return Screening(visit.day, questions["hunger"], tuple(answers), (questions["food-risk"], score))


def _drawn(question: Question, rng: Random) -> Term:
    return rng.choices(question.answers, question.weights)[0]
