"""The login page: plain HTML, nothing loaded from anywhere."""

from collections.abc import Sequence
from html import escape

from tandem_local.identity.personas import Persona

HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}

STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 42rem; margin: 3rem auto; padding: 0 1rem; color: #1b1b1f }
ul { list-style: none; padding: 0 } li { margin: .3rem 0 }
button { font: inherit; width: 100%; text-align: left; padding: .5rem .8rem; border: 1px solid #b9bcc6;
  border-radius: .4rem; background: #fff; cursor: pointer }
button:hover, button:focus { border-color: #2f5bd7; outline: 2px solid #2f5bd733 } small { color: #555b69 }
"""


def login(people: Sequence[Persona], *, request: dict[str, str]) -> str:
    """The page that asks who signs in; each button sends the authorization request again with the person chosen."""
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in request.items()
    )
    buttons = "".join(
        f'<li><button name="subject" value="{escape(person.subject)}">{escape(person.name)} '
        f"<small>{escape(_words(person))}</small></button></li>"
        for person in people
    )
    return _page(
        "Who are you today?",
        "<p>This is the sign-in of a platform on your own machine. It asks for no password: pick a person.</p>"
        f'<form method="post" action="/authorize">{hidden}<ul>{buttons}</ul></form>',
    )


def refusal(reason: str) -> str:
    """The page shown when a request cannot be answered to the application that sent it."""
    return _page("This sign-in request cannot be answered", f"<p>{escape(reason)}</p>")


def _words(person: Persona) -> str:
    words = [person.email] if person.email else []
    words += [role.replace("_", " ") for role in person.roles]
    words += ["program manager"] if person.programs else []
    return ", ".join(words)


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>'
        f"<body><h1>{escape(title)}</h1>{body}</body></html>"
    )
