"""`python -m scoring_operator`: the same as the `scoring-operator` command."""

import sys

from scoring_operator.cli import main

if __name__ == "__main__":
    sys.exit(main())
