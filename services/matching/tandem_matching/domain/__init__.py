"""The rules of pairing: pure, without I/O, clock or framework."""
