"""The HTTP doors of the feedback service, one file per noun."""
