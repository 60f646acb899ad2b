"""The games that are open on a site: made, found by their key, driven on while agents move, closed."""


class Tables:
    """Open games by key."""
