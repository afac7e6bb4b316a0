"""One function for each thing that profiles can be asked, one file for each noun."""
