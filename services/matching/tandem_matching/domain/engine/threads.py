"""Threads: what is compiled lets others run, so that several parts of the work are done at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

THREADS = 2
"""So many are used at most."""
_pool = ThreadPoolExecutor(THREADS, "engine")


def together(*tasks: Callable[[], Any]) -> list[Any]:
    """What the tasks give, done at once by as many threads as are free."""
    if THREADS == 1:
        return [task() for task in tasks]
    others = [_pool.submit(task) for task in tasks[1:]]
    found = {0: tasks[0]()} if tasks else {}
    # Whoever is done helps, from the end: so nobody waits for what has not begun, and tasks may have tasks.
    for place in range(len(others), 0, -1):
        if others[place - 1].cancel():
            found[place] = tasks[place]()
    return [found[place] if place in found else others[place - 1].result() for place in range(len(tasks))]
