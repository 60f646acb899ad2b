"""Playing, watching, collecting and labelling in a browser: ``gameil serve``."""
