"""The command's frame: what it is called, how it helps, which exit codes it knows."""

import typer

app = typer.Typer(
    name="tandem",
    help="Run Tandem on this machine, and talk to it.",
    epilog=(
        "Exit codes: 0 done; 1 it could not be done, and the sentence says why; 2 the command was written wrongly; "
        "3 nothing runs here; 4 it already runs; 5 a service refused; 6 a service does not answer."
    ),
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

events_app = typer.Typer(help="Look at the events that the services tell each other.", no_args_is_help=True)
