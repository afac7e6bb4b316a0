"""The HTTP doors of matching: they translate and decide nothing."""
