"""``python -m gameil``: the command line, for launchers that want a module (``torchrun -m gameil pretrain ...``)."""

import sys

from gameil.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
