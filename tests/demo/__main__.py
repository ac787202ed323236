"""The command line: ``python -m tests.demo up|down [--context NAME]``."""

import argparse
import sys
from collections.abc import Sequence

from tests.cluster.console import say
from tests.cluster.errors import ClusterError
from tests.demo import show, target
from tests.demo.photograph import photograph


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo or remove it; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.demo", description=__doc__)
    parser.add_argument("command", choices=["up", "down"])
    parser.add_argument("--context", help="a context of your kubeconfig, not an embedded cluster")
    options = parser.parse_args(arguments)
    try:
        if options.command == "up":
            photo = photograph()  # first, since a wrong PHOTO is better told now than in minutes
            show.show(*target.prepare(options.context), photo)
        else:
            target.remove(options.context)
    except ClusterError as error:
        say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        say("interrupted; `make demo` goes on from here, `make demo-clean` cleans up")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
