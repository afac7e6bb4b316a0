"""`tandem token`: a token to call the services with, as whoever one wants to be."""

import json
from typing import Annotated
from uuid import UUID

import typer

from tandem_local.cli.endings import said_in_words
from tandem_local.cli.options import AsJson


def token(
    admin: Annotated[bool, typer.Option("--admin", help="As the platform's administrator (the default).")] = False,
    manager: Annotated[
        list[UUID] | None,
        typer.Option("--manager", metavar="PROGRAM", help="As a manager of this program; may be given several times."),
    ] = None,
    person: Annotated[str | None, typer.Option("--person", metavar="ID-OR-EMAIL", help="As this participant.")] = None,
    service: Annotated[
        str | None,
        typer.Option("--service", metavar="SCOPES", help='As a service account with these scopes: "a:read b:write".'),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print an access token, good for an hour, from the embedded identity provider.

    curl -H "Authorization: Bearer $(tandem token)" http://127.0.0.1:8101/programs
    """
    with said_in_words(as_json=as_json):
        from tandem_local.access import Wish, admin_token, person_called, request_token
        from tandem_local.addresses import Addresses
        from tandem_local.api import Api
        from tandem_local.state import StateDirectory

        state = StateDirectory.find()
        addresses = Addresses(state.running().base_port)
        person_id = None
        if person is not None:
            with Api(addresses, token=lambda: admin_token(state, addresses)) as api:
                person_id = person_called(api, person)
        wish = Wish(
            admin=admin or not (manager or person or service),
            programs=tuple(manager or ()),
            person_id=person_id,
            scope=service or "",
        )
        answer = request_token(state, addresses, wish)
        print(json.dumps(answer) if as_json else answer["access_token"])
