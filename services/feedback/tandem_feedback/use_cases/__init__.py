"""What the feedback service can be asked, one file per noun."""
