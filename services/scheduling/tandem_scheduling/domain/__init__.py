"""The rules of meeting: pure, without input or output, clock or framework."""
