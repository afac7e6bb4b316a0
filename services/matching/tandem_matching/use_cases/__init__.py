"""One function for each thing that matching can be asked, or is told."""
