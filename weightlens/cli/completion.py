"""Completion by the Tab key: the script that a shell reads, and the answers that it asks for while somebody types.

typer has both; its own options for them are left out of every command because they take their time to build.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import typer

from weightlens.cli.destination import check_choice
from weightlens.errors import BadInput, WeightlensError

ASKED_BY_SHELL = "_WEIGHTLENS_COMPLETE"  # the variable that a shell sets when it asks
TYPED = ("COMP_WORDS", "_TYPER_COMPLETE_ARGS")  # where it puts the line that somebody types
SHELLS = ("bash", "zsh", "fish", "powershell", "pwsh")
FILES = {  # of the home folder: the script, the file that a shell reads at its start, and the line that has to stand in that
    "bash": (".bash_completions/weightlens.sh", ".bashrc", "source {script}"),
    "zsh": (".zfunc/_weightlens", ".zshrc", "fpath+=~/.zfunc; autoload -Uz compinit; compinit"),
    "fish": (".config/fish/completions/weightlens.fish", "", ""),  # fish finds it itself
}


def answer(app: typer.Typer) -> int:
    """Print what can follow in the line that somebody types; returns the exit code that the shell expects."""
    from typer._completion_classes import completion_init

    completion_init()
    try:
        app([], prog_name="weightlens", standalone_mode=False)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except (KeyError, ValueError):  # the shell has not said what is typed: nothing is written into the line that somebody types
        return 1
    return 0


def set_up(option: str, shells: Sequence[str]) -> None:
    """What ``--install-completion [SHELL]`` and ``--show-completion [SHELL]`` do."""
    from typer._completion_shared import get_completion_script

    if len(shells) > 1:
        raise BadInput(f"{option} takes one shell: {', '.join(SHELLS)}")
    shell = shells[0] if shells else shell_around()
    check_choice(shell, option, SHELLS)
    script = get_completion_script(prog_name="weightlens", complete_var=ASKED_BY_SHELL, shell=shell)
    if option == "--show-completion":
        typer.echo(script)
        return
    path = install(shell, script) if shell in FILES else install_powershell(shell)
    typer.echo(f"{shell} completion is installed in {path}; it works in every terminal that is opened from now on")


def install(shell: str, script: str) -> Path:
    """Put the script where the shell finds it; returns its path."""
    import shlex

    from weightlens.files import replacing

    place, start, line = FILES[shell]
    if shell == "zsh":  # it runs the file at the first Tab, where typer's script answers only those that follow
        script += '\n[[ $funcstack[1] == _weightlens ]] && _weightlens_completion "$@"'
    path = Path.home() / place
    if not Path.home().is_dir():
        raise BadInput(f"{Path.home()}: there is no such home folder; HOME names another one")
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path, force=True) as file:
        file.write(f"{script}\n".encode())
    if start:
        add_line(Path.home() / start, os.fsencode(line.format(script=shlex.quote(str(path)))))
    return path


def add_line(path: Path, line: bytes) -> None:
    """Add a line to a file of the user's, unless it is there; the rest stays as it is, whatever its encoding."""
    from weightlens.files import replacing

    before = path.read_bytes() if path.exists() else b""
    if line not in before.splitlines():
        with replacing(path, force=True) as file:
            file.write(before + (b"\n" if before and not before.endswith(b"\n") else b"") + line + b"\n")


def install_powershell(shell: str) -> Path:
    """Ask PowerShell where its own file is, and add the script to it: typer does."""
    from typer._completion_shared import install as typers_own

    try:
        return typers_own(shell=shell, prog_name="weightlens", complete_var=ASKED_BY_SHELL)[1]
    except FileNotFoundError:
        raise BadInput(
            f"{shell} is not installed here, so it cannot say where its profile is; --show-completion {shell} prints it"
        ) from None


def shell_around() -> str:
    """The shell that this process was started from."""
    import shellingham

    try:
        return str(shellingham.detect_shell()[0])
    except shellingham.ShellDetectionFailure:
        raise BadInput(f"which shell this is cannot be seen: name it after the option, one of {', '.join(SHELLS)}") from None


def layer_names(incomplete: str) -> list[str]:
    """The layers that start like this, of the first model on the command line that can be read.

    Shells evaluate the answers, so only names of plain letters are offered.
    """
    from weightlens.formats import load
    from weightlens.terminal.describe import layer_entries

    typed = next((os.environ[name] for name in TYPED if name in os.environ), "")
    for word in typed.split()[2:]:  # weightlens show MODEL: until it is complete, nobody has parsed the line
        if "://" in word:  # nothing is fetched because somebody presses a key
            continue
        with contextlib.suppress(OSError, WeightlensError):
            paths = [entry.path for entry in layer_entries(load(word))]
            return [path for path in paths if path.startswith(incomplete) and re.fullmatch(r"[A-Za-z0-9_./-]+", path)]
    return []


def layer_range(incomplete: str) -> list[str]:
    """The same for ``A..B``: names of layers, first of the one where the part begins."""
    first, dots, last = incomplete.rpartition("..")
    return [f"{first}{dots}{name}" for name in layer_names(last)]


def one_of(*values: str) -> Callable[[str], list[str]]:
    """What offers those of these values that start as what is typed does."""
    return lambda incomplete: [value for value in values if value.startswith(incomplete)]


def losses(incomplete: str) -> list[str]:
    """The losses that a network can be trained with, by all their names."""
    from weightlens.training.losses import ALIASES, LOSSES

    return one_of(*LOSSES, *ALIASES)(incomplete)


def optimizers(incomplete: str) -> list[str]:
    """The optimizers."""
    from weightlens.training.optimizers import OPTIMIZERS

    return one_of(*OPTIMIZERS)(incomplete)


def engines(incomplete: str) -> list[str]:
    """The programs that recalculate workbooks."""
    from weightlens.spreadsheet.recalculate import COMPUTE

    return one_of(*COMPUTE)(incomplete)


def details(incomplete: str) -> list[str]:
    """The levels of detail of a workbook."""
    from weightlens.workbook.export_options import DETAILS

    return one_of(*DETAILS)(incomplete)


def reports(incomplete: str) -> list[str]:
    """The formats of a report on a store."""
    from weightlens.auditing.reports import FORMATS

    return one_of(*FORMATS)(incomplete)
