"""``python -m hnseg_infer`` is ``hnseg``."""

import sys

from hnseg_infer.cli import main

if __name__ == "__main__":
    sys.exit(main())
