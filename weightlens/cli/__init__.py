"""The command line: what was typed becomes calls of the library, what they return becomes lines.

Comes in: ``sys.argv``. Goes out: text, files, the exit code (0 fine, 1 a difference was found, 2 bad input).
Nothing imports it. A command is imported when it is called. The modules of the commands that are typed
most have no ``from __future__ import annotations``, so that annotations are evaluated once: typer would evaluate each one again.
"""
