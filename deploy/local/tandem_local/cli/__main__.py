"""Lets the command be run as `python -m tandem_local.cli`, as the detached platform is."""

from tandem_local.cli import app

if __name__ == "__main__":
    app(prog_name="tandem")
