"""Developer portal: does the address the payer gives open without a login?"""

from __future__ import annotations

from sandbox.score.evidence import Evidence, Verdict, not_seen

NEEDS = ("developer-portal", "facts")


def judge(evidence: Evidence) -> Verdict:
    portal = evidence["developer-portal"]
    if portal.seen:
        return _opened(portal.value, str(evidence.claim("developer_portal")), portal.exchanges[0].note)
    if not evidence["facts"].seen:
        return not_seen("developer-portal", portal.unseen)
    email = evidence.claim("developer_email") or evidence.claim("developer_portal")
    if email and "@" in email:
        reason = "the payer gives an email address for developers instead of a portal"
        return Verdict("developer-portal", "email_only", "declared", reason)
    return Verdict(
        "developer-portal", "unknown", "declared", "the payer gives no address of a developer portal"
    )


def _opened(seen: dict[str, object], url: str, note: str) -> Verdict:
    if seen["status"] == 200 and seen["html"] and not seen["login"]:
        return Verdict("developer-portal", "portal", "observed", f"{url} opens without a login", 1)
    if seen["login"]:
        what = "asks for a login"
    elif seen["status"] == 200:
        what = "answers 200, but not with an HTML page"
    else:
        what = f"answers {seen['status']}" if seen["status"] else note
    differs = f"the payer gives {url}, but it {what}" if seen["status"] else f"{url}: {what}"
    return Verdict("developer-portal", "unknown", "observed", f"the portal {what}", 1, differs)
