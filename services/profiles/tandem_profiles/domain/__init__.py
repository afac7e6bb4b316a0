"""The rules of who takes part: pure, so that each can be read and tested by itself."""
