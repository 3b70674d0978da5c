"""/member/education: for members, what to know before an app gets their data (42 CFR 422.119(g)).

Public, for current and former members alike; it asks nothing of whoever reads it.
"""

from __future__ import annotations

from flask import Blueprint, Response

from sandbox.web.pages import page

education = Blueprint("education", __name__)


@education.get("/member/education")
def read() -> Response:
    return page("education.html")
