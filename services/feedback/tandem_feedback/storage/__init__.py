"""What the feedback service remembers, one file per noun."""
