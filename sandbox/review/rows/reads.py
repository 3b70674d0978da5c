"""Rows about reading data: Accept, paging, $everything, references."""

from __future__ import annotations

from sandbox.core.text import quantity
from sandbox.review.finding import ReviewFinding, failed, passed, unseen
from sandbox.review.journal import JournalExchange
from sandbox.review.story import Story, after, group

DAMAGED = frozenset((
    "loop_next_link", "forget_link_params", "rewrite_link", "rename_link_relation", "truncate_body",
    "damage_json", "drop_connection", "lie_about_length", "gzip_body", "reply_with", "drop_field",
    "rename_field", "rewrite_field", "change_status",
))  # fmt: skip
"""Verbs after which an app may not have seen the `next` link that the page had."""

KEEP_SECONDS, KEEP_TIMES = 60, 5
"""A resource that was read may be kept for a minute: five times within it is waste."""


def accept(story: Story) -> ReviewFinding:
    """Whether requests for data name the format they accept."""
    if not story.data:
        return unseen("The app requested no data.")
    silent = [e for e in story.data if "json" not in e.accept and "_format" not in e.params]
    if silent:
        types = ", ".join(sorted({e.accept or "nothing" for e in silent})[:3])
        reason = (
            f"{len(silent)} of {quantity(len(story.data), 'request')} did not accept JSON (Accept: {types})."
        )
        return failed(reason, silent)
    return passed(f"{quantity(len(story.data), 'request')} accepted JSON.", story.data)


def follows_next(story: Story) -> ReviewFinding:
    """Whether each search that had more pages was read to its last one."""
    walks = group((e for e in story.data if e.status == 200 and e.method in ("GET", "POST")), _walk)
    paged = [pages for pages in walks.values() if any(p.next for p in pages)]
    if not paged:
        return unseen("No response had a next link.")
    followed = {e.marks["_page"]: e for e in story.data if "_page" in e.marks}
    for pages in paged:
        if any(not p.next for p in pages) or any(_verbs(p) & DAMAGED for p in pages):
            continue
        last = pages[-1]
        tried = followed.get(last.next)
        if tried is None:
            count = f"{quantity(len(pages), 'page')} of {last.path} read"
            return failed(f"{count}, and the app did not follow the next link of the last one.", pages)
    return passed(
        f"{quantity(len(paged), 'search', 'searches')} of several pages, each read to the last page.",
        [pages[-1] for pages in paged],
    )


def _walk(exchange: JournalExchange) -> tuple[object, ...]:
    sent = tuple(sorted(exchange.sent.items()))
    return exchange.path, exchange.member, exchange.params - {"_page"}, sent


def _verbs(exchange: JournalExchange) -> set[str]:
    return {effect.partition(":")[2] for effect in exchange.effects}


def everything_fallback(story: Story) -> ReviewFinding:
    """Whether the app searched by type after $everything was refused."""
    attempts = [e for e in story.data if e.is_everything]
    served = {e.member for e in attempts if e.status == 200}
    refused = [
        e for e in attempts if e.status >= 400 and e.status not in (401, 429) and e.member not in served
    ]
    if not refused:
        return unseen(
            "$everything was not refused." if attempts else "The app did not request $everything.", attempts
        )
    first = refused[0]
    hopeless = [e for e in refused if e.status < 500 or e.status == 501]
    if len(hopeless) > 1 and any(after(hopeless[0], e) for e in hopeless[1:] if e.path == hopeless[0].path):
        return failed(
            "The app requested $everything again after the payer had refused it permanently.", hopeless
        )
    searched = [e for e in story.data if e.is_search and after(first, e)]
    kinds = {e.kind for e in searched}
    if not kinds:
        return failed("$everything was refused, and the app did not search by type instead.", refused)
    return passed(f"$everything was refused, and the app searched {quantity(len(kinds), 'type')} instead.",
                  [first, *searched])  # fmt: skip


def references(story: Story) -> ReviewFinding:
    """Whether the app resolved references, each once, and stopped asking for missing ones."""
    reads = [e for e in story.data if e.is_read and e.kind != "Patient"]
    included = [e for e in story.data if "_include" in e.params and e.status == 200]
    # by member as well: an app may cache a shared resource for each
    for (path, _), tries in group(reads, lambda read: (read.path, read.member)).items():
        dead = [e for e in tries if e.status in (403, 404, 410) or e.status >= 500]
        if len(dead) > (2 if dead and dead[0].status >= 500 else 1) and not all(e.retry_after for e in dead):
            return failed(f"{path} could not be read, and the app requested it {len(dead)} times.", dead)
        good = [e for e in tries if e.status == 200]
        near = [e for e in good if e.left - good[0].left <= KEEP_SECONDS]
        if len(near) >= KEEP_TIMES:
            return failed(f"{path} was read {len(near)} times within a minute.", near)
    if not reads and not included:
        return unseen("The app resolved no references, neither by a read nor by _include.")
    dead = [e for e in reads if e.status in (403, 404, 410) or e.status >= 500]
    ending = f", {len(dead)} of them broken and not retried" if dead else ""
    read = f"{quantity(len(reads), 'reference')} read"
    what = read if reads else f"{quantity(len(included), 'search', 'searches')} with _include"
    return passed(f"{what}{ending}.", [*dead[:3], *reads[:3], *included[:3]])
