"""python -m suggest --url http://faq.default.svc"""

import argparse
import os

from scoring_client import Retries, ScoringClient
from suggest.app import create_app

# A suggestion that comes late is of no use, and the next letter asks again.
_PATIENCE_SECONDS = 2.0


def main() -> None:
    """Serve the application on this machine."""
    parser = argparse.ArgumentParser(prog="suggest", description=__doc__)
    parser.add_argument("--url", required=True, help="of a FAQ matching service")
    parser.add_argument("--port", type=int, default=5000)
    arguments = parser.parse_args()
    client = ScoringClient(
        arguments.url,
        # In a variable: whoever lists processes sees their arguments.
        api_key=os.environ.get("SCORING_API_KEY"),
        timeout_seconds=_PATIENCE_SECONDS,
        retries=Retries(attempts=1),
    )
    with client:
        create_app(client).run(port=arguments.port)


if __name__ == "__main__":
    main()
