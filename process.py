"""What the container runs: one CT from the input folder to a mask in the output folder (see --help)."""

import sys

from hnseg_infer.grand_challenge import main

if __name__ == "__main__":
    sys.exit(main())
