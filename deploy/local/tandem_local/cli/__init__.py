"""The `tandem` command: its table of contents."""

from tandem_local.cli import (
    events,
    events_catalogue,
    events_parked,
    events_repair,
    events_story,
    programs,
    running,
    settings,
    tokens,
)
from tandem_local.cli.application import app, events_app

app.command("up")(running.up)
app.command("down")(running.down)
app.command("status")(running.status)
app.command("token")(tokens.token)
app.command("import")(programs.import_sheet)
app.command("match")(programs.match)
app.command("settings")(settings.settings)
events_app.command("tail")(events.tail)
events_app.command("story")(events_story.story)
events_app.command("parked")(events_parked.parked)
events_app.command("redrive")(events_parked.redrive)
events_app.command("discard")(events_parked.discard)
events_app.command("schemas")(events_catalogue.schemas)
events_app.command("catalogue")(events_catalogue.catalogue)
events_app.command("asyncapi")(events_catalogue.asyncapi)
events_app.command("samples")(events_catalogue.samples)
events_app.command("republish")(events_repair.republish)
events_app.command("replay")(events_repair.replay)
app.add_typer(events_app, name="events")

__all__ = ["app"]
