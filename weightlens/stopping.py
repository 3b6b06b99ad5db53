"""Ctrl-C and termination signals: exit at once if nothing needs cleaning up, else raise an exception.

The command imports this module first, so it imports next to nothing itself.
"""

import os
import signal


class Stopped(BaseException):
    """The process was told to end by a signal; ``code`` is the exit code for that signal."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.code = 128 + number


class CleanupPending:
    """A block with something to clean up at its end: a temporary file, a started program, a progress bar."""

    now = 0

    def __enter__(self) -> None:
        CleanupPending.now += 1

    def __exit__(self, *error: object) -> None:
        CleanupPending.now -= 1


def on_signal(number: int, _: object) -> None:
    """Exit at once, or raise ``Stopped``. (An exception in the middle of an import is printed or swallowed.)"""
    if CleanupPending.now:
        raise Stopped(number)
    os._exit(128 + number)


def listen() -> None:
    """Handle the signals that end a process, unless they are ignored (``nohup``)."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # not all systems have all of them
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, on_signal)
