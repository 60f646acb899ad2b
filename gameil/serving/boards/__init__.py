"""Boards that answer to clicks, keys and touch."""
