"""Benchmarks: commands that print measured figures, side by side with what they are compared to."""
