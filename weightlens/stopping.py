"""Ctrl-C, and being told to end: at once where nothing has been begun, else by an exception, so that it is tidied up.

Imported before anything else by the command, so it imports next to nothing.
"""

import os
import signal


class Stopped(BaseException):
    """The process was told to end; ``code`` is the exit code that says by which signal."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.code = 128 + number


class Begun:
    """While this lasts, there is something to be tidied up: a temporary file, a program that was started, a progress bar."""

    now = 0

    def __enter__(self) -> None:
        Begun.now += 1

    def __exit__(self, *error: object) -> None:
        Begun.now -= 1


def on_signal(number: int, _: object) -> None:
    """End at once, or raise ``Stopped``. (An exception in the middle of an import is printed or swallowed.)"""
    if Begun.now:
        raise Stopped(number)
    os._exit(128 + number)


def listen() -> None:
    """From now on the signals that end a process are ours, unless they are ignored (``nohup``)."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # not all systems have all of them
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, on_signal)
