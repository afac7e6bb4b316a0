"""Ties a program to the process that started it, then becomes that program.

Run as a script with the standard library only: `python -I -S leash.py PARENT_PID USER SIGNAL COMMAND...`. A hook
between fork and exec would do the same, but runs Python code in a copy of a process that may have threads.
"""

import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def become(parent: int, user: str, death_signal: int, command: list[str]) -> None:
    """Replace this process by `command`, running as `user` (empty: as now), ended when `parent` ends (Linux only)."""
    # Everything is loaded before the change of user: the new one may not be allowed to read our Python.
    prctl = None
    if sys.platform == "linux":
        import ctypes

        prctl = ctypes.CDLL(None).prctl
    if user:
        import pwd

        entry = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
        os.environ["HOME"] = "/nonexistent"
    if prctl is not None:
        # After the change of user: the kernel forgets the wish when credentials change.
        prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit("the process that started this one is already gone")
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.execvpe(command[0], command, os.environ)  # noqa: S606 - becoming the given program is this file's purpose


if __name__ == "__main__":
    become(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4:])
