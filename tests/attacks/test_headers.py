"""`X-Sandbox-Scenario` turned against what was granted without it."""

from __future__ import annotations

from attacks.breach import Scene, held, refused, undefended
from support.smart_app import SmartApp

from sandbox.apis.smart import lookups
from sandbox.auth.authorization.decision import Decision
from sandbox.web import dispatch, request

HEADER = "X-Sandbox-Scenario"


TRUSTING = undefended(dispatch, _choose_selection=lambda arrival, path, header, switched: None)
"""The header decides, whatever the request presents."""


def at_the_default_payer(scene: Scene) -> SmartApp:
    """An app whose path names a session only, so that a header may choose."""
    app = scene.make()
    app.base = app.base.replace("/s/baseline~", "/s/~")
    return app


def under(app: SmartApp, scenario: str) -> None:
    app.http.headers[HEADER] = app.browser.headers[HEADER] = scenario


@TRUSTING
def test_replaying_a_code_by_header(scene: Scene) -> None:
    app = at_the_default_payer(scene)
    code = app.agree("maria")["code"]
    assert app.redeem(code).status_code == 200
    under(app, "code-works-twice")
    held(refused(app.redeem(code)), "tokens for a code that was used")


@TRUSTING
def test_replaying_a_refresh_token_by_header(scene: Scene) -> None:
    app = at_the_default_payer(scene).connect("maria")
    stolen = app.tokens["refresh_token"]
    under(app, "refresh-never-rotated")
    assert app.refresh().status_code == 200
    held(refused(app.refresh(refresh_token=stolen)), "tokens for a refresh token that was used")


@TRUSTING
def test_opening_another_record_by_header(scene: Scene) -> None:
    """The member's browser sends the header on the last step only."""
    app = at_the_default_payer(scene)
    page = app.choose(app.log_in("maria"))
    under(app, "wrong-member")
    code = app.decide(page, {"decision": "allow"})["code"]
    del app.http.headers[HEADER]
    app.tokens = app.redeem(code).json()
    held(app.get("Patient/mbr-0003").status_code != 200, "another member's record")


@undefended(lookups, _step=lambda below: "")
def test_presenting_a_second_thing_beside_the_first(scene: Scene) -> None:
    """A sign-in that began under the header goes with a code that was granted without it."""
    app = at_the_default_payer(scene)
    code = app.agree("maria")["code"]
    assert app.redeem(code).status_code == 200
    under(app, "code-works-twice")
    mine = app.follow(app.authorize()).url.params["request"]
    held(refused(app.redeem(code, request=mine)), "tokens for a code that was used")


@undefended(Decision, within=lambda self, limit: self)
def test_adding_to_a_decision_by_header(scene: Scene) -> None:
    test_opening_another_record_by_header(scene)


@undefended(request, with_terms=lambda payer, granted: payer)
def test_loosening_a_policy_by_header(scene: Scene) -> None:
    test_replaying_a_code_by_header(scene)
