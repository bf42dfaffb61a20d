"""Readers of export files; ``choice`` selects the one that reads a file."""
