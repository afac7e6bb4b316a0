"""Which machine the figures were measured on."""

import os
import platform

import psutil


def describe_machine() -> str:
    """Processor count, memory, Python, in one line."""
    cores = len(os.sched_getaffinity(0))
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{cores} cores, {memory:.0f} GiB, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    )
