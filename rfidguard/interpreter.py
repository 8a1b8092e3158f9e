"""How Python shares its one interpreter among the daemon's threads, so that none holds an alarm up for long."""

import gc
import sys

SWITCH_S = 0.001
"""A thread that waits for the interpreter, as each step of a commit does, gets it this soon; by default five times later."""


def shared_fairly() -> None:
    """To be called once everything is started. What that left in memory stays: going through all of it now and then would halt
    every thread for 30 to 100 ms.
    """
    sys.setswitchinterval(SWITCH_S)
    gc.collect()
    gc.freeze()
