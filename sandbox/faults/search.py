"""Find scenarios by symptom, status, error code, field or term of a specification.

Case and punctuation do not matter (`_lastUpdated`, `user-agent`, `clock skew`), nor do plurals and simple
endings. `synonyms.yaml` lists words that mean the same.
"""

from __future__ import annotations

import difflib
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from sandbox.core.files import read_yaml
from sandbox.faults.catalog import Catalog
from sandbox.faults.scenario import Scenario

QUERY_LENGTH_MAX = 200
"""Characters of a query that are read."""

_NAME, _KEYWORD, _NAME_WORD, _KEYWORD_WORD, _TITLE, _FACT, _PREFIX, _TEXT = 120, 100, 70, 50, 40, 30, 20, 10
"""Weights of a match: the whole name or a whole keyword, a word of them, of the title, of the rules and
expectations, the beginning of a word, a word of the story."""

_SYNONYM = 0.8
"""The share of its weight that a synonym earns."""

_PREFIX_LENGTH_MIN = 3
_PHRASE_MAX = 4
"""Words of a query that are looked up as one."""


@dataclass(frozen=True)
class MatchReason:
    """Why a word of a query matches: the part of the scenario, and its text there."""

    word: str
    field: str
    text: str


@dataclass(frozen=True)
class Match:
    """A scenario that a query matches; `unmatched` are the words of the query that it does not."""

    scenario: Scenario
    reasons: tuple[MatchReason, ...]
    unmatched: tuple[str, ...]

    @property
    def why(self) -> str:
        """The reasons in one line: "keyword invalid_grant, title"."""
        parts = (f"{reason.field} {reason.text}".strip() for reason in self.reasons)
        return ", ".join(dict.fromkeys(parts))


def search(catalog: Catalog, words: str) -> list[Match]:
    """Return the scenarios that match all words of a query, best first.

    If no scenario matches all, returns those that match most, with `unmatched`.
    """
    return _index(catalog).search(words)


def suggest(catalog: Catalog, words: str) -> list[str]:
    """Return up to three words of the catalog that resemble those of a query that match nothing."""
    return _index(catalog).suggest(words)


def split_words(text: str) -> list[str]:
    """Return the words of a text in lower case, without punctuation."""
    return re.findall(r"[^\W_]+", re.sub(r"['’]", "", text.casefold()))


def normalize(text: str) -> str:
    """Return the key of a word or phrase: its letters and digits, without plural or simple ending."""
    return _strip_ending("".join(split_words(text)))


def _strip_ending(key: str) -> str:
    if not key.isalpha() or key.endswith("ss"):
        return key
    if key.endswith("ies") and len(key) > 5:
        return f"{key[:-3]}y"
    for ending in ("ing", "ed", "es", "s", "e"):
        if key.endswith(ending) and len(key) - len(ending) >= 4:
            return key[: -len(ending)]
    return key


class _Posting(NamedTuple):
    """A key in a scenario: how much it counts, and the keyword's rank, which decides between equals."""

    weight: float
    rank: int
    field: str
    text: str


_Postings = dict[int, _Posting]
"""The best posting of a word for each scenario, by its number."""


def _keep_best(best: _Postings, number: int, posting: _Posting) -> None:
    other = best.get(number)
    if other is None or (posting.weight, -posting.rank) > (other.weight, -other.rank):
        best[number] = posting


class _Index:
    """The words of a catalog: whole texts, pairs and words by key, and words to find by their beginning."""

    def __init__(self, scenarios: Iterable[Scenario]):
        self.scenarios = tuple(scenarios)
        self.by_key: dict[str, _Postings] = {}
        self.by_word: dict[str, _Postings] = {}
        self.texts: dict[str, str] = {}
        for number, scenario in enumerate(self.scenarios):
            self._add(number, _Posting(_NAME_WORD, 0, "name", ""), scenario.id, _NAME)
            for rank, keyword in enumerate(scenario.keywords):
                self._add(number, _Posting(_KEYWORD_WORD, rank, "keyword", keyword), keyword, _KEYWORD)
            self._add(number, _Posting(_TITLE, 0, "title", ""), scenario.title)
            for field, text in dict.fromkeys(_list_facts(scenario)):
                self._add(number, _Posting(_FACT, 0, field, text), text, _FACT)
            for cite in scenario.cites:
                self._add(number, _Posting(_TEXT, 0, "source", cite), cite, _FACT)
            self._add(number, _Posting(_TEXT, 0, "story", ""), scenario.story)
            for text in (scenario.id, *scenario.keywords):
                for near in (text, *text.split()):
                    self.texts.setdefault(normalize(near), near)
        self.words = sorted(self.by_word)

    def _add(self, number: int, posting: _Posting, text: str, full_weight: int = 0) -> None:
        """Index the words and pairs of words of a text, and the whole text where it has a weight."""
        words = split_words(text)
        if full_weight:
            self._post(normalize(text), number, posting._replace(weight=full_weight))
        for pair in pairwise(words):
            self._post(_strip_ending("".join(pair)), number, posting)
        prefix = posting._replace(weight=min(_PREFIX, posting.weight / 2))
        for word in words:
            self._post(_strip_ending(word), number, posting)
            _keep_best(self.by_word.setdefault(word, {}), number, prefix)

    def _post(self, key: str, number: int, posting: _Posting) -> None:
        _keep_best(self.by_key.setdefault(key, {}), number, posting)

    def search(self, query: str) -> list[Match]:
        terms = self._read_terms(query)
        needed = [term for term in terms if normalize(term) not in _vocabulary().ignored] or terms
        best = {term: self._find_word(term) if term in needed else {} for term in terms}
        for start in range(len(terms)):
            for end in range(start + 2, min(start + _PHRASE_MAX, len(terms)) + 1):
                phrase = self._find_key(" ".join(terms[start:end]))
                for term in terms[start:end]:
                    for number, posting in phrase.items():
                        _keep_best(best[term], number, posting)
        missing = {
            number: tuple(term for term in needed if number not in best[term])
            for number in {number for term in needed for number in best[term]}
        }
        fewest = min(map(len, missing.values()), default=0)
        if fewest and len(query.split()) == 1:
            return []  # a part of one word, as of "user-agent", says too little
        matches = [
            (number, {term: best[term][number] for term in terms if number in best[term]})
            for number in missing
            if len(missing[number]) == fewest
        ]
        return [
            Match(
                self.scenarios[number],
                tuple(MatchReason(term, p.field, p.text) for term, p in postings.items()),
                missing[number],
            )
            for number, postings in sorted(matches, key=_rank)
        ]

    def suggest(self, query: str) -> list[str]:
        near: list[str] = []
        for word in query[:QUERY_LENGTH_MAX].split():
            parts = [part for part in split_words(word) if not self._find_word(part)]
            if self._find_word(word) or not parts or normalize(word) in _vocabulary().ignored:
                continue
            for misspelled in (word, *parts):
                keys = difflib.get_close_matches(normalize(misspelled), self.texts, n=3, cutoff=0.7)
                near += [self.texts[key] for key in keys]
        return list(dict.fromkeys(near))[:3]

    def _read_terms(self, query: str) -> list[str]:
        """Return the words to look up. One that is unknown as it is written is split at its punctuation."""
        terms: list[str] = []
        for word in query[:QUERY_LENGTH_MAX].split():
            parts = split_words(word)
            terms += [word] if len(parts) == 1 or self._find_word(word) else parts
        return list(dict.fromkeys(terms))

    def _find_word(self, word: str) -> _Postings:
        """Return where a word occurs, as it is and as the beginning of another."""
        best = self._find_key(word)
        start = "".join(split_words(word))
        if len(start) >= _PREFIX_LENGTH_MIN and not start.isdigit():
            for longer in self.words[bisect_left(self.words, start) :]:
                if not longer.startswith(start):
                    break
                for number, posting in self.by_word[longer].items():
                    _keep_best(best, number, posting)
        return best

    def _find_key(self, text: str) -> _Postings:
        """Return where a word or phrase occurs, or a synonym of it."""
        key = normalize(text)
        best = dict(self.by_key.get(key, {})) if key else {}
        for synonym in _vocabulary().synonyms.get(key, ()):
            for number, posting in self.by_key.get(synonym, {}).items():
                _keep_best(best, number, posting._replace(weight=posting.weight * _SYNONYM))
        return best


def _rank(match: tuple[int, dict[str, _Posting]]) -> tuple[float, int, int]:
    """Return the sort key of a match: its weights, then the ranks of its keywords, then its name."""
    number, postings = match
    return -sum(p.weight for p in postings.values()), sum(p.rank for p in postings.values()), number


@lru_cache(maxsize=4)
def _index(catalog: Catalog) -> _Index:
    return _Index(catalog.by_id.values())


class _Vocabulary(NamedTuple):
    """`synonyms.yaml`: the keys that mean the same as a key, and those that a query may contain in vain."""

    synonyms: Mapping[str, list[str]]
    ignored: frozenset[str]


@cache
def _vocabulary() -> _Vocabulary:
    written = read_yaml(Path(__file__).with_name("synonyms.yaml"))
    synonyms: dict[str, list[str]] = {}
    for group in written["same"]:
        keys = [normalize(str(text)) for text in group]
        for key in keys:
            synonyms.setdefault(key, []).extend(other for other in keys if other != key)
    return _Vocabulary(synonyms, frozenset(map(normalize, written["ignored"])))


_USUAL_STATUSES = {200, 303}


def _list_facts(scenario: Scenario) -> Iterator[tuple[str, str]]:
    """Yield (field, text) of what a scenario does, and of what a client and the grader see."""
    yield "area", scenario.area
    yield from (("metric", metric) for case in scenario.cases for metric in case.points)
    yield from (("parameter", name) for name in scenario.parameters)
    yield from (("policy", name) for name in scenario.payer)
    yield from (("policy", text) for text in _list_texts(scenario.payer))
    for rule in scenario.rules:
        yield "verb", rule.then.do
        yield from (("rule", text) for text in _list_texts(rule.model_dump(exclude_unset=True)))
    for show in scenario.shows:
        yield from (("response", text) for text in _list_texts(show.then.model_dump(exclude_unset=True)))


def _list_texts(value: Any, key: str = "") -> Iterator[str]:
    """Yield the texts in a structure, the statuses, and the names of headers."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from [name] if key == "header" else []
            yield from _list_texts(inner, name)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _list_texts(inner, key)
    elif isinstance(value, str) and key != "do":
        yield value
    elif key == "status" and value is not None and value not in _USUAL_STATUSES:
        yield str(value)
