"""gameil: records of games that people played become agents that play them, then past them."""

__version__ = "0.1.0"
