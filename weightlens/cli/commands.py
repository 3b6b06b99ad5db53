"""The commands by name, in the groups in which ``weightlens --help`` lists them, and the application that is made of them."""

import importlib
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

import weightlens
from weightlens.terminal import QUIET

GROUPS = {  # where each command is defined; only the one that is called is imported
    "Look": {
        "show": ("main", "show"),
        "trace": ("main", "trace"),
        "browse": ("browse", "browse"),
        "diff": ("check", "diff"),
        "audit": ("audit", "audit"),
    },
    "Compute": {
        "predict": ("predict", "predict"),
        "export": ("export", "export"),
        "check": ("check", "check"),
        "train-sheet": ("train", "train_sheet"),
    },
    "Change": {
        "import": ("change", "import_"),
        "patch": ("change", "patch"),
        "fit": ("train", "fit"),
        "simplify": ("change", "simplify"),
        "convert": ("change", "convert"),
    },
}
COMMANDS = {name: place for commands in GROUPS.values() for name, place in commands.items()}


class Command(TyperCommand):
    """A command; each one takes ``--quiet``."""

    def get_params(self, ctx: Any) -> Any:
        def silence(ctx: Any, option: Any, value: bool) -> None:
            QUIET.set(bool(value))

        words = "No notes, no progress, no word of what was written."
        names = ["--quiet", "-q"]
        quiet = TyperOption(param_decls=names, is_flag=True, default=False, expose_value=False, callback=silence, help=words)
        *options, help_option = super().get_params(ctx)
        return [*options, quiet, help_option]


class Groups(TyperGroup):
    """The application; its help lists the commands in groups, each with a whole sentence."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        for title, names in GROUPS.items():
            commands = {name: self.get_command(ctx, name) for name in names}
            with formatter.section(title):
                formatter.write_dl([(name, command.get_short_help_str(200)) for name, command in commands.items() if command])


def application(arguments: list[str]) -> typer.Typer:
    """The app with only the command in the arguments, or with all: typer is slow for each option, used or not."""
    app = typer.Typer(
        name="weightlens",
        cls=Groups,
        add_completion=False,  # it takes its time: see completion.py
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    alone = arguments[:1] if arguments and arguments[0] in COMMANDS else []
    app.callback()(one_command if alone else weightlens_command)
    for name in alone or COMMANDS:
        module, function = COMMANDS[name]
        app.command(name, cls=Command)(getattr(importlib.import_module(f"weightlens.cli.{module}"), function))
    return app


def one_command() -> None:
    """In the place of ``weightlens_command`` where a command was named: it has no options, which take their time."""


def version(wanted: bool) -> None:
    """Print the version and stop."""
    if wanted:
        typer.echo(f"weightlens {weightlens.__version__}")
        raise typer.Exit


def weightlens_command(
    version: Annotated[bool, typer.Option("--version", callback=version, is_eager=True, help="Print the version.")] = False,
    install: Annotated[
        str | None, typer.Option("--install-completion", metavar="[SHELL]", help="Complete commands, options and layers by Tab.")
    ] = None,
    shown: Annotated[str | None, typer.Option("--show-completion", metavar="[SHELL]", help="Print what that would install.")] = None,
) -> None:
    """See the arithmetic inside a trained Keras model.

    \b
    weightlens show   or.h5                  every layer and matrix
    weightlens trace  or.h5 -i "0,1"         one prediction, step by step
    weightlens browse or.h5                  look around in it with the arrow keys
    weightlens export or.h5 -o or.xlsx       a workbook of live formulas
    weightlens check  or.h5                  is it what Keras computes?
    """
