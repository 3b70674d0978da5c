"""Sign-in pages in the style of many identity providers, and what becomes of a member who wants to share.

A flow is a few pages in a row. `{send}` in a page is where its form goes; what was sent must hold `sent` and
must not hold `never`, else the payer does what such payers do: it says that the member declined. `script`
marks what only a browser can walk; it is walked by one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

USER, PASSWORD = "ann", "s3cret-word"


@dataclass(frozen=True)
class Shown:
    """One page of a flow."""

    html: str
    sent: dict[str, str] = field(default_factory=dict)
    never: tuple[str, ...] = ()
    status: int = 200


@dataclass(frozen=True)
class Flow:
    """Pages in a row and how the sign-in ends: AUTHORIZED, or another outcome with words of its reason."""

    name: str
    pages: tuple[Shown, ...]
    outcome: str = "AUTHORIZED"
    says: str = ""
    script: bool = False


WHO = {"u": USER, "p": PASSWORD}
LOGIN = Shown(
    '<form method="post" action="{send}"><label>User name <input name="u" autocomplete="username"></label>'
    '<label>Password <input name="p" type="password"></label><button>Sign in</button></form>',
    WHO,
)
CONSENT = Shown(
    '<h1>Share your data?</h1><form method="post" action="{send}"><button name="d" value="no">Deny</button>'
    '<button name="d" value="yes">Allow</button></form>',
    {"d": "yes"},
)


def consent(
    inside: str, sent: dict[str, str], *never: str, top: str = "Share your health data with the app?"
) -> Shown:
    html = f'<html><title>{top}</title><h1>{top}</h1><form method="post" action="{{send}}">{inside}</form></html>'
    return Shown(html, sent, never)


def walked(name: str, *pages: Shown) -> Flow:
    return Flow(name, pages)


def unseen(name: str, says: str, *pages: Shown) -> Flow:
    return Flow(name, pages, "UNWALKED", says)


def by_script(name: str, *pages: Shown) -> Flow:
    return Flow(name, pages, "UNWALKED", "script", script=True)


def foreign(language: str, user: str, password: str, enter: str, no: str, yes: str, top: str) -> Flow:
    """Sign-in and consent in another language, the no first and both of one name."""
    login = Shown(
        f'<html lang="{language}"><form method="post" action="{{send}}"><label for="a">{user}</label><input id="a" name="u">'
        f'<label for="b">{password}</label><input id="b" name="p" type="password"><button>{enter}</button></form></html>',
        WHO,
    )
    asked = consent(
        f'<button name="d" value="1">{no}</button><button name="d" value="2">{yes}</button>',
        {"d": "2"},
        top=top,
    )
    return walked(f"language: {language}", login, asked)


FLOWS = (
    walked("hosted login in two steps with a hidden password field for password managers",
        Shown('<main><h1>Sign in</h1><form method="post" action="{send}"><label for="identifier">Username or email</label>'
              '<input id="identifier" name="identifier" autocomplete="username" required><input type="password" name="pw" '
              'style="display:none" tabindex="-1" aria-hidden="true"><label><input type="checkbox" name="remember"> '
              'Keep me signed in</label><button type="submit">Next</button></form><a href="/signup">Sign up</a></main>',
              {"identifier": USER}, ("remember",)),
        Shown('<h1>Verify with your password</h1><form method="post" action="{send}"><input type="hidden" name="identifier" '
              'value="ann"><label for="c">Password</label><input id="c" type="password" name="credentials.passcode" '
              'autocomplete="current-password"><button>Verify</button></form>', {"credentials.passcode": PASSWORD}),
        CONSENT),
    walked("enterprise sign-in that asks whether to stay signed in",
        LOGIN,
        Shown('<div role="heading">Stay signed in?</div><h1>Stay signed in?</h1><form method="post" action="{send}">'
              '<label><input type="checkbox" name="DontShowAgain" value="true"> Don\'t show this again</label>'
              '<input type="submit" name="k" value="No"><input type="submit" name="k" value="Yes"></form>', {}),
        CONSENT),
    walked("SAML on the way: a page that posts itself",
        LOGIN,
        Shown('<body onload="document.forms[0].submit()"><form method="post" action="{send}"><input type="hidden" '
              'name="SAMLResponse" value="PHNhbWw+"><input type="hidden" name="RelayState" value="x"><noscript><button>'
              "Continue</button></noscript></form></body>", {"SAMLResponse": "PHNhbWw+", "RelayState": "x"}),
        CONSENT),
    walked("a page that posts itself without a button",
        LOGIN, Shown('<form method="post" action="{send}"><input type="hidden" name="wresult" value="t"></form>', {"wresult": "t"})),
    walked("meta refresh between pages",
        LOGIN, Shown('<meta http-equiv="refresh" content="0;URL=\'{send}\'"><p>One moment, please.</p>'), CONSENT),
    walked("a slow page of waiting", LOGIN, Shown('<meta http-equiv="REFRESH" content="3; url={send}">Loading'), CONSENT),
    walked("consent by one box for each scope, none ticked",
        LOGIN,
        consent('<p>The app wants:</p><label><input type="checkbox" name="scope" value="patient/Coverage.rs" required> Coverage</label>'
                '<label><input type="checkbox" name="agree" required> I have read the terms of use</label>'
                '<label><input type="checkbox" name="news"> Send me the newsletter</label>'
                '<button name="d" value="cancel">Cancel</button><button name="d" value="ok">Share</button>',
                {"scope": "patient/Coverage.rs", "agree": "on", "d": "ok"}, "news")),
    walked("boxes named by a legend alone",
        LOGIN,
        consent('<fieldset><legend>Choose what to share</legend><input type="checkbox" id="x" name="k1"><label for="x">Eye exams</label>'
                '<input type="checkbox" id="y" name="k2"><label for="y">Dental</label></fieldset><button>Submit</button>',
                {"k1": "on", "k2": "on"})),
    walked("radio buttons, the refusal preselected",
        LOGIN,
        consent('<label><input type="radio" name="c" value="0" checked> Do not share my data</label>'
                '<label><input type="radio" name="c" value="1"> Share my data</label><button>Continue</button>', {"c": "1"})),
    walked("radio buttons: all, some or nothing",
        LOGIN,
        consent('<fieldset><legend>What may the app see?</legend><label><input type="radio" name="c" value="none" checked> Share nothing</label>'
                '<label><input type="radio" name="c" value="some"> Share some of my data</label>'
                '<label><input type="radio" name="c" value="all"> Share all of my data, including personal information</label></fieldset>'
                "<button>Next</button>", {"c": "all"})),
    walked("radio buttons that answer a question of sharing, and one of mail",
        LOGIN,
        consent('<fieldset><legend>Share your records with this app?</legend><label><input type="radio" name="s" value="Y"> Yes</label>'
                '<label><input type="radio" name="s" value="N" checked> No</label></fieldset>'
                '<fieldset><legend>May we send you special offers?</legend><label><input type="radio" name="m" value="Y"> Yes</label>'
                '<label><input type="radio" name="m" value="N" checked> No</label></fieldset><button>Save and continue</button>',
                {"s": "Y", "m": "N"})),
    walked("a question that is put the other way round",
        LOGIN,
        consent('<fieldset><legend>Do you want to block this app?</legend><label><input type="radio" name="b" value="1"> Yes</label>'
                '<label><input type="radio" name="b" value="0"> No</label></fieldset><button>Continue</button>', {"b": "0"})),
    walked("the button stands outside of its form",
        Shown('<form id="f" method="post" action="{send}"><label>Login ID<input name="u"></label><label>Password<input name="p" '
              'type="password"></label></form><footer><button form="f" type="submit">Log in</button></footer>', WHO),
        Shown('<h1>Authorize</h1><form id="g" method="post" action="{send}"><input type="hidden" name="t" value="1"></form>'
              '<button form="g" name="d" value="n">Don\'t allow</button><button form="g" name="d" value="y">Allow</button>',
              {"t": "1", "d": "y"})),
    walked("a decoy that a style rule hides",
        Shown('<style>.hp, .x { position: absolute; left: -9999px } .gone{display:none!important}</style><form method="post" action="{send}">'
              '<div class="gone"><label>Email <input name="email"></label></div><input class="hp" name="website">'
              '<label>User ID <input name="u"></label><label>Password <input name="p" type="password"></label><button>Sign on</button>'
              '<button>Log in</button></form>', {**WHO, "email": "", "website": ""})),
    walked("a decoy in sight that says so",
        Shown('<form method="post" action="{send}"><label>Leave this field blank <input name="name"></label>'
              '<label>Username <input name="u"></label><label>Password <input name="p" type="password"></label>'
              '<button>Log In</button></form>', {**WHO, "name": ""})),
    walked("hidden buttons that decline",
        LOGIN,
        consent('<button name="d" value="x" hidden>Allow everything</button><button name="d" value="z" style="display:none">Accept</button>'
                '<button name="d" value="n">Decline</button><button name="d" value="y">Agree and continue</button>', {"d": "y"})),
    walked("an image that submits",
        Shown('<table><tr><td>User ID:</td><td><input name="u"></td></tr><tr><td>Password:</td><td><input type="password" name="p">'
              '</td></tr><tr><td></td><td><form method="post" action="{send}"></form></td></tr></table>'
              '<form method="post" action="{send}"><font>User ID</font> <input name="u"> Password <input name="p" type="password">'
              '<input type="image" src="go.gif" alt="Log in" name="go"></form>', {**WHO, "go.x": "1", "go.y": "1"}),
        consent('<input type="image" src="n.gif" alt="Cancel" name="no"><input type="image" src="y.gif" alt="I agree" name="yes">',
                {"yes.x": "1"}, "no.x")),
    walked("a form in a table of another age",
        Shown('<table><form method="post" action="{send}"><tr><td>User name<td><input name="u"><tr><td>Password<td>'
              '<input type=password name="p"><tr><td><input type=submit value="Login"></form></table>', WHO)),
    walked("a login beside a search, a language switch, a sign-up and a cookie banner",
        Shown('<form id="cookie-banner" method="post" action="/cookies"><button>Accept all cookies</button><button>Reject all</button></form>'
              '<form role="search" action="/search"><input name="q" placeholder="Search"><button>Search</button></form>'
              '<form action="/lang"><select name="lang" aria-label="Language"><option>English<option>Español</select><button>Go</button></form>'
              '<form method="post" action="/register"><input name="email" type="email"><input name="np" type="password" '
              'autocomplete="new-password"><button>Create account</button></form>'
              '<form method="post" action="{send}"><input name="u" placeholder="Member user name"><input name="p" type="password" '
              'placeholder="Password"><button>Sign In</button></form><form method="post" action="/google"><button>Continue with Google</button></form>'
              '<form method="post" action="/forgot"><button>Forgot password?</button></form>', WHO),
        CONSENT),
    walked("a newsletter in the footer of every page",
        LOGIN,
        Shown('<h1>Connect the app</h1><form method="post" action="{send}"><button name="d" value="a">Approve</button></form>'
              '<footer><form id="newsletter" method="post" action="/news"><input type="email" name="e"><button>Subscribe</button></form></footer>',
              {"d": "a"})),
    walked("a login for members beside one for providers",
        Shown('<form id="provider-login" method="post" action="/provider"><input name="u"><input type="password" name="p"><button>Log in</button></form>'
              '<form id="member-login" method="post" action="{send}"><input name="u"><input type="password" name="p"><button>Log in</button></form>', WHO)),
    walked("a cookie wall before the login",
        Shown('<h1>We value your privacy</h1><form id="cookie-consent" method="post" action="{send}"><button name="c" value="all">Accept all</button>'
              '</form>', {"c": "all"}), LOGIN, CONSENT),
    walked("a page before the login that only leads to it",
        Shown('<h1>Welcome to your plan</h1><a href="/about">About us</a> <a href="{send}">Log in</a> <a href="/register">Register</a>'),
        LOGIN, CONSENT),
    walked("terms in between", LOGIN,
        Shown('<h1>Updated terms</h1><form method="post" action="{send}"><label><input type="checkbox" name="t" value="1"> I have read and accept '
              'the terms and conditions</label><label><input type="checkbox" name="m" value="1"> E-mail me tips and offers</label>'
              '<button name="a" value="d">Decline</button><button name="a" value="c">Accept and continue</button></form>',
              {"t": "1", "a": "c"}, ("m",)), CONSENT),
    walked("paperless mail is offered on the way", LOGIN,
        Shown('<h1>Go paperless today</h1><p>Save trees.</p><form method="post" action="{send}"><button name="a" value="y">Enroll me</button>'
              '<button name="a" value="n">Not now</button></form>', {"a": "n"}), CONSENT),
    walked("whose data: a list of people", LOGIN,
        Shown('<h1>Choose a person</h1><form method="post" action="{send}"><label><input type="radio" name="who" value="77"> Ann Lee (you)</label>'
              '<label><input type="radio" name="who" value="78"> Bo Lee</label><button>Continue</button></form>', {"who": "77"}), CONSENT),
    walked("an account is picked by its button",
        LOGIN,
        Shown('<h1>Choose an account</h1><form method="post" action="{send}"><button name="a" value="1">ann@example.org</button>'
              '<button name="a" value="2">Use another account</button></form>', {"a": "1"}), CONSENT),
    walked("a list of plans", LOGIN,
        Shown('<h1>Select your plan</h1><form method="post" action="{send}"><label>Plan <select name="plan" required><option value="">'
              'Select a plan</option><option value="G">Gold 2026</option></select></label><button>Continue</button></form>', {"plan": "G"}), CONSENT),
    walked("for how long, in a list", LOGIN,
        consent('<label>Share for <select name="days"><option value="30">30 days</option><option value="365" selected>1 year</option></select></label>'
                '<button name="d" value="y">Yes, share</button><button name="d" value="n">No, do not share</button>', {"days": "365", "d": "y"})),
    walked("a list that says yes or no", LOGIN,
        consent('<label>May the app read your data? <select name="ok"><option value="0">No</option><option value="1">Yes</option></select></label>'
                '<button>Submit</button>', {"ok": "1"})),
    walked("consent by links",
        LOGIN, Shown('<h1>Authorize this app?</h1><a class="btn" href="/refuse">Deny</a> <a class="btn" href="{send}">Authorize</a>')),
    walked("two forms: one denies, one allows", LOGIN,
        Shown('<h1>Grant access?</h1><form method="post" action="/refuse"><button>Deny access</button></form>'
              '<form method="post" action="{send}"><input type="hidden" name="grant" value="1"><button>Grant access</button></form>', {"grant": "1"})),
    walked("buttons with an address of their own", LOGIN,
        Shown('<h1>Permission</h1><form action="/nothing"><button formaction="/refuse" formmethod="post">Reject</button>'
              '<button formaction="{send}" formmethod="post" name="d" value="1">Permit</button></form>', {"d": "1"})),
    walked("a fieldset that is turned off", LOGIN,
        consent('<fieldset disabled><input name="x" value="1"><button name="d" value="n">Allow nothing</button></fieldset>'
                '<button name="d" value="y">Allow</button>', {"d": "y"}, "x")),
    walked("a base address for relative links",
        Shown('<base href="{here}/"><form method="post" action="send"><input name="u"><input name="p" type="password"><button>Go</button></form>', WHO)),
    walked("a form that is sent by GET", LOGIN,
        Shown('<h1>Consent</h1><form action="{send}"><input type="hidden" name="tx" value="9"><input type="submit" name="d" value="Disagree">'
              '<input type="submit" name="d" value="Agree"></form>', {"tx": "9", "d": "Agree"})),
    walked("a login that scripts only decorate",
        Shown('<html><head><script src="/analytics.js"></script></head><form method="post" action="{send}"><input name="u" aria-label="User name">'
              '<div><input name="p" type="password" aria-label="Password"><button type="button" aria-label="Show password">👁</button></div>'
              '<button type="submit">Sign in</button></form></html>', WHO), CONSENT),
    walked("boxes drawn by their labels", LOGIN,
        consent('<style>.box input{opacity:0;position:absolute}.v{display:none}</style><div class="box"><input type="checkbox" id="s" name="all" required>'
                '<label for="s">Share my health records</label></div><input class="v" type="checkbox" id="t" name="tos" required><label for="t">'
                'I accept the terms</label><button>Confirm</button>', {"all": "on", "tos": "on"})),
    walked("a box that takes back what is shared", LOGIN,
        consent('<label><input type="checkbox" name="hide" checked> Do not share my mental health records</label>'
                '<button name="d" value="y">Allow</button><button name="d" value="n">Do not allow</button>', {"d": "y"}, "hide")),
    walked("allow until it is ended", LOGIN,
        consent('<button name="d" value="3">Cancel</button><button name="d" value="1">Allow until I revoke it</button>', {"d": "1"})),
    foreign("es", "Nombre de usuario", "Contraseña", "Iniciar sesión", "No compartir", "Compartir", "¿Compartir sus datos con la aplicación?"),
    foreign("es-MX", "Correo electrónico", "Contraseña", "Entrar", "Denegar", "Permitir", "Autorizar acceso"),
    foreign("fr", "Identifiant", "Mot de passe", "Se connecter", "Ne pas autoriser", "Autoriser", "Partager vos données ?"),
    foreign("de", "Benutzername", "Passwort", "Anmelden", "Nicht zulassen", "Zulassen", "Ihre Daten teilen?"),
    foreign("pt", "Usuário", "Senha", "Acessar", "Não autorizar", "Autorizar", "Compartilhar seus dados?"),
    foreign("zh", "用户名", "密码", "登录", "不同意", "同意", "授权此应用"),
    foreign("vi", "Tên đăng nhập", "Mật khẩu", "Đăng nhập", "Từ chối", "Đồng ý", "Chia sẻ dữ liệu của bạn?"),
    foreign("ko", "아이디", "비밀번호", "로그인", "허용 안 함", "허용", "데이터를 공유하시겠습니까?"),
    foreign("ru", "Имя пользователя", "Пароль", "Войти", "Не разрешать", "Разрешить", "Доступ к вашим данным"),
    foreign("tl", "Pangalan ng gumagamit", "Password", "Mag-sign in", "Huwag payagan", "Payagan", "Ibahagi ang iyong datos?"),
    foreign("xx", "Kazzubu", "Zuzuwala", "Okuyingira", "Nope", "Kkiriza", "Share?"),
    # what only the member, or a browser, could do
    unseen("a one-time code", "one-time code", LOGIN,
        Shown('<h1>Verify it\'s you</h1><form method="post" action="{send}"><label>Enter the 6-digit code we sent <input name="otp" '
              'autocomplete="one-time-code" inputmode="numeric"></label><button>Verify</button></form>')),
    unseen("a choice of second factors", "second factor", LOGIN,
        Shown('<h1>Verify your identity</h1><p>We sent a push notification to your phone. Approve the request to go on.</p>')),
    unseen("a CAPTCHA beside the login", "CAPTCHA",
        Shown('<script src="https://www.google.com/recaptcha/api.js"></script><form method="post" action="{send}"><input name="u"><input name="p" '
              'type="password"><div class="g-recaptcha" data-sitekey="k"></div><button>Sign in</button></form>')),
    unseen("letters in a picture", "picture",
        Shown('<form method="post" action="{send}"><label>User ID<input name="u"></label><label>Password<input name="p" type="password"></label>'
              '<img src="c.png"><label>Type the characters you see<input name="c"></label><button>Sign in</button></form>')),
    unseen("a date of birth", "date of birth", LOGIN,
        Shown('<h1>Confirm who you are</h1><form method="post" action="{send}"><label>Date of birth <input name="dob" placeholder="MM/DD/YYYY" '
              'required></label><label>ZIP code <input name="zip" required></label><button>Continue</button></form>')),
    unseen("a member ID beside the user name", "member ID",
        Shown('<form method="post" action="{send}"><label>User name <input name="u" required></label><label>Member ID <input name="m" required></label>'
              '<label>Password <input name="p" type="password" required></label><button>Sign in</button></form>')),
    unseen("a new password is due", "new password", LOGIN,
        Shown('<h1>Your password has expired</h1><form method="post" action="{send}"><label>New password<input type="password" name="n"></label>'
              '<label>Confirm new password<input type="password" name="n2"></label><button>Save</button></form>')),
    unseen("a call or a message, to be chosen", "second factor", LOGIN,
        Shown('<h1>Confirm your identity</h1><form method="post" action="{send}"><button name="m" value="sms">Text message</button>'
              '<button name="m" value="call">Call me</button></form>')),
    walked("a last page that leads back to the app", LOGIN, CONSENT,
        Shown('<h1>Success</h1><form method="post" action="{send}"><button>Return to app</button></form>')),
    walked("the same by a link", LOGIN, CONSENT, Shown('<h1>Thank you</h1><p>Access was granted.</p><a href="{send}">Return to the app</a>')),
    unseen("security question", "security question", LOGIN,
        Shown('<form method="post" action="{send}"><label>Security question: your first pet?<input name="a"></label><button>Continue</button></form>')),
    unseen("words that nobody knows", "does not understand", LOGIN,
        Shown('<h1>Zuzu</h1><form method="post" action="{send}"><button name="d" value="1">Aloha</button><button name="d" value="2">Mahalo</button></form>')),
    unseen("a choice of sisters' plans that turns out wrong", "one of 3 options", LOGIN,
        Shown('<h1>Your plan</h1><form method="post" action="{send}"><select name="plan"><option value="">Select</option><option value="1">Alpha</option>'
              '<option value="2">Beta</option><option value="3">Gamma</option></select><button>Continue</button></form>', {"plan": "2"}), CONSENT),
    unseen("a consent that comes again and again", "appeared",
        LOGIN, Shown('<h1>Share?</h1><form method="post" action="{here}"><input type="hidden" name="step" value="1"><button>Allow</button></form>')),
    by_script("an application in one script",
        Shown("<title>Sign in</title><div id=root></div><script>root.innerHTML='<form method=post action=\"{send}\"><label>User name "
              "<input name=u></label><label>Password <input type=password name=p></label><button>Sign in</button></form>'</script>", WHO), CONSENT),
    by_script("fields without a form, sent by a script",
        Shown('<title>Sign in</title><label>Email <input id="u"></label><label>Password <input id="p" type="password"></label><button id="b" type="button">Sign in'
              "</button><script>b.onclick=()=>{const f=document.createElement('form');f.method='post';f.action='{send}';for(const n of ['u','p'])"
              "{const i=document.createElement('input');i.type='hidden';i.name=n;i.value=document.getElementById(n).value;f.append(i)}"
              "document.body.append(f);f.submit()}</script>", WHO), CONSENT),
    by_script("a button that wakes when the terms are ticked", LOGIN,
        consent('<label><input type="checkbox" name="t" id="t" onchange="ok.disabled=!this.checked"> I agree to share my data</label>'
                '<button id="ok" name="d" value="y" disabled>Allow</button><button name="d" value="n">Cancel</button><script></script>',
                {"t": "on", "d": "y"})),
    # what else providers ask on the way
    walked("a server page whose links post it back by a script",
        LOGIN,
        Shown('<h1>Authorize the app</h1><form method="post" action="{send}"><input type="hidden" name="__EVENTTARGET" value="">'
              '<input type="hidden" name="__EVENTARGUMENT" value=""><input type="hidden" name="__VIEWSTATE" value="/wEP">'
              """<a href="javascript:__doPostBack('ctl00$no','')">Deny</a> <a href="javascript:__doPostBack('ctl00$yes','')">Allow</a></form>""",
              {"__EVENTTARGET": "ctl00$yes", "__VIEWSTATE": "/wEP"})),
    unseen("links that only a script can press", "pressed",
        LOGIN,
        Shown('<h1>Request for approval</h1><form method="post" action="{send}"><input type="hidden" name="consent" value="">'
              """<a onclick="post('allow')">Allow</a> <a onclick="post('deny')">Cancel</a></form>""")),
    unseen("accounts to choose from that are no buttons", "does not understand",
        LOGIN, Shown('<h1>Choose an account</h1><ul><li><div role="link" data-id="1">Ann</div></li><li><div role="link">Another</div></li></ul>')),
    walked("a sign-in page in a frame", Shown('<h1>Members</h1><iframe src="{here}/send" width="400"></iframe>'), LOGIN, CONSENT),
    walked("a consent by two links of a sentence each",
        LOGIN, Shown('<h1>Share your data with the app?</h1><a href="/none">No, do not share my health information with the app</a>'
                     '<a href="{send}">Yes, share my health information with the app</a>')),
    walked("a language first, by buttons",
        Shown('<h1>Choose your language</h1><form method="post" action="{send}"><button name="l" value="es">Español</button>'
              '<button name="l" value="en">English</button></form>', {"l": "en"}), LOGIN, CONSENT),
    walked("a language first, by links",
        Shown('<h1>Select a language</h1><a href="/es">Español</a><a href="{send}">English</a>'), LOGIN, CONSENT),
    walked("roles by links", Shown('<h1>I am a…</h1><a href="/p">Provider</a><a href="/b">Broker</a><a href="{send}">Member</a>'), LOGIN, CONSENT),
    walked("roles by buttons",
        Shown('<h1>Who are you?</h1><form method="post" action="{send}"><button name="t" value="p">Provider</button>'
              '<button name="t" value="m">Member</button><button name="t" value="b">Broker</button></form>', {"t": "m"}), LOGIN, CONSENT),
    walked("roles by radio buttons, another one preselected",
        Shown('<h1>Log in as</h1><form method="post" action="{send}"><label><input type="radio" name="t" value="p" checked> Provider</label>'
              '<label><input type="radio" name="t" value="m"> Member</label><button>Continue</button></form>', {"t": "m"}), LOGIN, CONSENT),
    walked("a role list in the login form, another one first",
        Shown('<form method="post" action="{send}"><select name="role"><option value="p">Provider<option value="m">Member</select>'
              '<input name="u" placeholder="User ID"><input type="password" name="p"><button>Log in</button></form>', {"role": "m", **WHO}), CONSENT),
    walked("the login of providers stands first",
        Shown('<form id="provider" method="post" action="/prov"><input name="u" placeholder="User ID"><input type="password" name="p"><button>Log in</button>'
              '</form><form id="mbr" method="post" action="{send}"><input name="u" placeholder="User ID"><input type="password" name="p"><button>Log in'
              "</button></form>", WHO), CONSENT),
    unseen("a form that makes an account with one password", "asks for",
        Shown('<form method="post" action="{send}"><h2>Create an account</h2><input type="email" name="e" placeholder="Email">'
              '<input type="password" name="p" placeholder="Password"><button>Continue</button></form>')),
    walked("new here, or an account already",
        Shown('<h1>Do you have an account?</h1><form method="post" action="{send}"><label><input type="radio" name="h" value="n"> I am new here</label>'
              '<label><input type="radio" name="h" value="y"> I already have an account</label><button>Continue</button></form>', {"h": "y"}),
        LOGIN, CONSENT),
    walked("a password that will expire: change it now?",
        LOGIN,
        Shown('<h1>Password expiring soon</h1><p>Your password expires in 5 days. Do you want to change it now?</p><form method="post" action="{send}">'
              '<button name="d" value="y">Yes</button><button name="d" value="n">No</button></form>', {"d": "n"}), CONSENT),
    walked("a password that will expire, by links",
        LOGIN, Shown('<h1>Your password will expire in 5 days</h1><a href="/c">Change password</a><a href="{send}">Continue without changing</a>'), CONSENT),
    walked("a second factor that may be set up later",
        LOGIN,
        Shown('<h1>Set up two-step verification</h1><form method="post" action="{send}"><button name="d" value="y">Set up</button>'
              '<button name="d" value="n">Skip for now</button></form>', {"d": "n"}), CONSENT),
    walked("accounts to link, not now first",
        LOGIN, consent('<button name="d" value="n">Not now</button><button name="d" value="y">Link accounts</button>', {"d": "y"}, top="Your accounts")),
    unseen("not now beside words that are not known", "Not now",
        LOGIN, consent('<button name="d" value="n">Not now</button><button name="d" value="y">Hook up</button>', {"d": "y"}, top="Your accounts")),
    walked("are you sure that you want to cancel?",
        LOGIN, consent('<button name="d" value="y">Yes</button><button name="d" value="n">No</button>', {"d": "n"}, top="Cancel sharing?")),
    walked("a question that adds that one may stop",
        LOGIN,
        consent('<fieldset><legend>You can stop at any time. Share your data?</legend><label><input type="radio" name="s" value="n"> No</label>'
                '<label><input type="radio" name="s" value="y"> Yes</label></fieldset><button>Save</button>', {"s": "y"})),
    walked("boxes of what to leave out",
        LOGIN,
        consent('<fieldset><legend>Data to exclude from sharing</legend><label><input type="checkbox" name="x"> Claims</label></fieldset>'
                '<button name="d" value="n">Cancel</button><button name="d" value="y">Authorize</button>', {"d": "y"}, "x")),
    walked("boxes under words that one may withdraw",
        LOGIN,
        consent('<fieldset><legend>You may withdraw at any time. Choose data to share</legend><label><input type="checkbox" name="x"> Claims</label>'
                '<label><input type="checkbox" name="all"> Select all</label></fieldset><button>Authorize</button>', {"x": "on", "all": "on"})),
    walked("switches by lists",
        LOGIN, consent('<label>Claims <select name="c"><option value="0">Off<option value="1">On</select></label><button>Save choices</button>', {"c": "1"})),
    walked("how long, the shortest preselected",
        LOGIN,
        consent('<fieldset><legend>Allow access for</legend><label><input type="radio" name="l" value="h" checked> 1 hour</label>'
                '<label><input type="radio" name="l" value="y"> 1 year</label></fieldset><button name="d" value="n">Deny</button>'
                '<button name="d" value="y">Allow</button>', {"l": "y", "d": "y"})),
    walked("how long, until revoked",
        LOGIN,
        consent('<label>How long? <select name="l"><option value="1">One time<option value="90">90 days<option value="never">Never'
                '<option value="all">Until I revoke access</select></label><button>Agree and continue</button>', {"l": "all"})),
    walked("how far back, all of it last",
        LOGIN,
        consent('<label>Records of <select name="l"><option value="1">1 year<option value="5">5 years<option value="all">All years</select></label>'
                "<button>Share</button>", {"l": "all"})),
    walked("an end that need not be named",
        LOGIN, consent('<label>Expiration date <input type="date" name="e"></label><button>Agree</button>', {"e": ""})),
    walked("a plan that has ended stands first",
        LOGIN,
        Shown('<h1>Select a plan</h1><form method="post" action="{send}"><label><input type="radio" name="p" value="1"> Gold 2024 (terminated)</label>'
              '<label><input type="radio" name="p" value="2"> Silver 2025</label><button>Continue</button></form>', {"p": "2"}), CONSENT),
    walked("a question whether to reset the password",
        LOGIN, Shown('<h1>Do you want to reset your password?</h1><form method="post" action="{send}"><button name="d" value="y">Yes</button>'
                     '<button name="d" value="n">No</button></form>', {"d": "n"}), CONSENT),
    walked("a question whether to log out",
        LOGIN, Shown('<h1>Do you want to log out?</h1><form method="post" action="{send}"><button name="d" value="y">Yes</button>'
                     '<button name="d" value="n">No</button></form>', {"d": "n"}), CONSENT),
    walked("a question whether to switch the user",
        LOGIN, Shown('<h1>Not Ann? Switch user</h1><form method="post" action="{send}"><button name="d" value="y">Yes</button>'
                     '<button name="d" value="n">No</button></form>', {"d": "n"}), CONSENT),
    walked("a question whether to remove a consent",
        LOGIN, Shown('<h1>Remove previous consent?</h1><form method="post" action="{send}"><button name="d" value="y">Yes</button>'
                     '<button name="d" value="n">No</button></form>', {"d": "n"}), CONSENT),
    walked("a question about mail",
        LOGIN, Shown('<h1>Would you like email updates?</h1><form method="post" action="{send}"><button name="d" value="y">Yes</button>'
                     '<button name="d" value="n">No</button></form>', {"d": "n"}), CONSENT),
    walked("a question whether somebody is a provider",
        Shown('<h1>Are you a provider?</h1><form method="post" action="{send}"><button name="d" value="y">Yes</button>'
              '<button name="d" value="n">No</button></form>', {"d": "n"}), LOGIN, CONSENT),
    walked("a question whether somebody is new",
        Shown('<h1>Are you a new member?</h1><form method="post" action="{send}"><button name="d" value="y">Yes</button>'
              '<button name="d" value="n">No</button></form>', {"d": "n"}), LOGIN, CONSENT),
    walked("a consent whose text asks something else too",
        LOGIN,
        Shown('<h1>Authorize the app</h1><p>Need to stop? Call us.</p><form method="post" action="{send}"><button name="d" value="n">No</button>'
              '<button name="d" value="y">Yes</button></form>', {"d": "y"})),
    unseen("a page that makes an account, its heading above the form", "asks for",
        Shown('<h1>Create an account</h1><form method="post" action="{send}"><input name="e" type="email" placeholder="Email">'
              '<input type="password" name="p" placeholder="Password"><button>Continue</button></form>')),
    unseen("a page that makes an account, the name first", "create an account",
        Shown('<form method="post" action="{send}"><h1>Sign up for free</h1><label>Email <input name="e" type="email"></label><button>Continue</button></form>')),
    walked("a page that makes an account, with a link to sign in",
        Shown('<h1>Create an account</h1><form method="post" action="/join"><label>Email <input name="e" type="email"></label><button>Continue</button></form>'
              '<a href="{send}">Sign in</a>'), LOGIN, CONSENT),
    unseen("a page that resets a password", "reset a password",
        Shown('<h1>Reset your password</h1><form method="post" action="{send}"><label>User name <input name="e"></label><button>Submit</button></form>')),
    unseen("an account to make after the login", "create an account",
        LOGIN, Shown('<h1>Create your account</h1><form method="post" action="{send}"><label>Email <input name="e" value="a@b.example"></label>'
                     "<button>Continue</button></form>")),
    walked("a login that keeps a browser from filling in the password",
        Shown('<form method="post" action="{send}"><input name="u" placeholder="Username"><input type="password" name="p" autocomplete="new-password">'
              "<button>Log in</button></form>", WHO), CONSENT),
    walked("Haitian Creole", LOGIN, consent('<button name="d" value="n">Pa dakò</button><button name="d" value="y">Dakò</button>', {"d": "y"}, top="Pataje done")),
    walked("part of it preselected, everything possible",
        LOGIN,
        consent('<label><input type="radio" name="r" value="1" checked> Share basic information only</label>'
                '<label><input type="radio" name="r" value="2"> Share everything</label><button>Submit</button>', {"r": "2"})),
    walked("full or limited",
        LOGIN,
        consent('<label><input type="radio" name="r" value="1"> Limited</label><label><input type="radio" name="r" value="2"> Full</label>'
                "<button>Submit</button>", {"r": "2"})),
    unseen("two buttons that only a script tells apart", "script",
        LOGIN, consent('<input type="hidden" name="d" value=""><button onclick="d(1)">Allow</button><button onclick="d(0)">Deny</button>', {"d": "1"})),
    Flow("a refusal by the payer, after a press that a script does not make unsure",
        (LOGIN, consent('<button type="button">Cancel</button><button>Accept</button>', {"never": "sent"})), "CALLBACK_ERROR", "declined"),
    walked("a passkey first, the password another way",
        Shown('<h1>Use your passkey</h1><form method="post" action="{send}"><button name="w" value="k">Use a passkey</button>'
              '<button name="w" value="p">Sign in with password</button></form>', {"w": "p"}), LOGIN, CONSENT),
    walked("ways to sign in, by links",
        Shown('<h1>How do you want to sign in?</h1><a href="/idme">ID.me</a><a href="{send}">Username and password</a>'), LOGIN, CONSENT),
    walked("an invitation to register above the login form",
        Shown("<h1>Our plan</h1><h3>New user? Register now</h3>" + LOGIN.html.replace("Sign in", "Submit"), WHO), CONSENT),
    walked("ages are no durations",
        LOGIN, consent('<label>For <select name="r"><option value="me">Myself<option value="a">1 month old<option value="b">2 year old</select></label>'
                       "<button>Allow</button>", {"r": "me"})),
    walked("a member or a representative",
        LOGIN,
        consent('<fieldset><legend>Are you the member or a representative?</legend><label><input type="radio" name="r" value="a"> Authorized representative'
                '</label><label><input type="radio" name="r" value="m"> Member</label></fieldset><button>Agree</button>', {"r": "m"})),
    walked("whether somebody signs as a representative",
        LOGIN,
        consent('<fieldset><legend>Are you signing as an authorized representative?</legend><label><input type="radio" name="r" value="y"> Yes</label>'
                '<label><input type="radio" name="r" value="n"> No</label></fieldset><button>Agree</button>', {"r": "n"})),
    walked("a receiver among the choices",
        LOGIN,
        consent('<label><input type="radio" name="r" value="n" checked> Do not share</label>'
                '<label><input type="radio" name="r" value="y"> Share with my provider</label><button>Agree</button>', {"r": "y"})),
    walked("questions beside the one that is asked",
        LOGIN, Shown('<h1>Terms</h1><p>Terms may change. Do you accept them?</p><form method="post" action="{send}"><button name="d" value="n">No</button>'
                     '<button name="d" value="y">Yes</button></form><footer>Need help? Forgot your password?</footer>', {"d": "y"})),
    walked("only questions that nobody has to answer",
        LOGIN, Shown('<h1>Welcome back</h1><form method="post" action="{send}"><button name="d" value="n">No</button>'
                     '<button name="d" value="y">Yes</button></form><footer>Forgot your password?</footer>', {"d": "y"})),
    walked("a question whether to connect another account",
        LOGIN, Shown('<h1>Connect to a new account?</h1><form method="post" action="{send}"><button name="d" value="n">No</button>'
                     '<button name="d" value="y">Yes</button></form>', {"d": "y"})),
    walked("sign in as an employee or as a member",
        Shown('<h1>Sign in</h1><form method="post" action="{send}"><button name="i" value="e">Employee sign in</button>'
              '<button name="i" value="m">Member sign in</button></form>', {"i": "m"}), LOGIN, CONSENT),
    walked("identity providers by links",
        Shown('<h1>Choose identity provider</h1><a href="/e">Employees</a><a href="{send}">Members and patients</a>'), LOGIN, CONSENT),
    # what is the payer's
    Flow("a wrong password is said", (LOGIN, Shown('<p role="alert">Your user name or password is incorrect.</p>' + LOGIN.html)), "LOGIN_FAILED", "did not accept"),
    Flow("a wrong password in Spanish, with scripts",
        (LOGIN, Shown('<script src="a.js"></script><p class="error">La contraseña es incorrecta</p>' + LOGIN.html)), "LOGIN_FAILED", "did not accept"),
    Flow("the server fails", (LOGIN, Shown("<h1>Error</h1>", status=500)), "ERROR_PAGE", "500"),
    Flow("not eligible, on a page", (LOGIN, Shown("<h1>Sorry</h1><p>You are not eligible to share data.</p>", status=403)), "ERROR_PAGE", "403"),
    Flow("a dead end", (LOGIN, Shown("<h1>Something went wrong</h1><a href='/'>Home</a>")), "ERROR_PAGE", "ended on a page"),
    Flow("the portal wants an account first",
        (LOGIN, Shown('<h1>Activate your portal account</h1><form method="post" action="/activate"><button>Activate my account</button></form>')), "ERROR_PAGE", "ended"),
)  # fmt: skip
