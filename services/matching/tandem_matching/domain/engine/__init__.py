"""The engine: the optimum of the whole problem, with its proof, in time that grows no faster than the pairs.

`arranging` makes a pool ready; `scan` finds for every mentee the few mentors that matter at given prices, its
`candidates`, by walking (`looking`) or pair by pair (`pairs`). `auction` finds prices over the candidates, `paths`
finishes exactly (`holding`: who holds which place), and `optimum` repeats scan and finish until no pair outside the
candidates could improve anything. Arrays in, assignment out; nothing here knows people.
"""
