"""A heap of nodes by their keys, the least on top, in two arrays."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def grown(keys, nodes):  # type: ignore[no-untyped-def]  # pragma: no cover
    """The arrays with room for twice as many."""
    return np.concatenate((keys, np.empty_like(keys))), np.concatenate((nodes, np.empty_like(nodes)))


@njit(cache=True, nogil=True)
def push(keys, nodes, size, key, node):  # type: ignore[no-untyped-def]  # pragma: no cover
    place = size
    while place > 0:
        above = (place - 1) // 2
        if keys[above] <= key:
            break
        keys[place] = keys[above]
        nodes[place] = nodes[above]
        place = above
    keys[place] = key
    nodes[place] = node
    return size + 1


@njit(cache=True, nogil=True)
def pop(keys, nodes, size):  # type: ignore[no-untyped-def]  # pragma: no cover
    size -= 1
    key, node = keys[size], nodes[size]
    place = 0
    while True:
        child = 2 * place + 1
        if child >= size:
            break
        if child + 1 < size and keys[child + 1] < keys[child]:
            child += 1
        if keys[child] >= key:
            break
        keys[place] = keys[child]
        nodes[place] = nodes[child]
        place = child
    keys[place] = key
    nodes[place] = node
    return size
