"""What the container runs: one CT from the input folder to a mask in the output folder (see --help)."""

import sys

from hnseg_infer.early_port import early_port

if __name__ == "__main__":
    port = early_port(sys.argv[1:])
    from hnseg_infer.grand_challenge import main

    sys.exit(main(port=port))
