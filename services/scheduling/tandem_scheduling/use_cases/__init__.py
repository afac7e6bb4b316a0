"""What scheduling can be asked to do: a function for each."""
