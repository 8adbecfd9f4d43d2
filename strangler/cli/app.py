"""`banyan`, as far as the strangler goes: every command in its place.

banyan routes                     what is declared, and which side answers it
banyan flag get|set|history|restore
banyan place                      whole domains on a side, where no data has to move
banyan status                     how everything is
"""

import typer

from strangler.cli import flag, place, routes, status

app = typer.Typer(
    name="banyan",
    help="Move one route at a time from the monolith to the services, and back.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
app.command("routes")(routes.list_routes)
app.command("place")(place.place)
app.command("status")(status.show_status)
app.add_typer(flag.app, name="flag")
