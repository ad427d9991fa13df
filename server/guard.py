"""Becomes another program that does not outlive its parent: `guard.py PARENT-PID PROGRAM [ARGUMENT …]`.

Run as a script by itself, before the program, because a request to the kernel made between fork and exec
is not safe in a process with threads. Elsewhere than on Linux it only becomes the program.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def tie_to_parent(parent: int) -> None:
    """Ask the kernel for SIGTERM when the parent dies, whatever kills it; exit where it is dead already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            sys.exit("the parent is gone")


if __name__ == "__main__":
    tie_to_parent(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606  # becoming that program is the whole purpose
