"""`scoring-server --help`: the server has no options but its environment."""

import argparse
from typing import Final

VARIABLES: Final = {
    "SCORING_MODEL_TYPE": "faq-matching or image-classification; the one that must be set",
    "SCORING_MODEL_PATH": "folder of the artefact (/opt/scoring/models/ and the type)",
    "SCORING_DEVICE": "cpu or gpu (cpu)",
    "SCORING_PORT": "where it listens, on every address (8080)",
    "SCORING_CPUS": "what it may use (the container's limit)",
    "SCORING_WORKERS": "processes (one for each CPU; one for images on CPUs)",
    "SCORING_THREADS": "requests that a worker holds, with those that it refuses (32; images: 80)",
    "SCORING_MAX_CONCURRENCY": "scoring requests at a time, in all workers (as threads allow)",
    "SCORING_MAX_BODY_BYTES": "of a request (10485760)",
    "SCORING_REQUEST_TIMEOUT_SECONDS": "for a request, until its answer (30)",
    "SCORING_DRAIN_SECONDS": "for what is in flight at SIGTERM (30)",
    "SCORING_MAX_BATCH_SIZE": "images computed at once (measured at the start)",
    "SCORING_MAX_BATCH_DELAY_MILLISECONDS": "that a batch waits for more images (0)",
    "SCORING_INFERENCE": "where images are computed: worker, process or auto (auto)",
    "SCORING_TORCH_COMPILE": "on or off: compile the model on a GPU while it serves (off)",
    "SCORING_TORCH_CACHE_DIR": "folder of what was compiled (a temporary one)",
    "SCORING_API_KEYS_DIR": "folder with a file for each API key (everyone may score)",
    "SCORING_PATH_PREFIX": "in front of every path, such as /faq (none)",
    "SCORING_PAGE": "on or off: the page at /ui (on)",
    "SCORING_LOG_LEVEL": "debug, info, warning or error (info)",
    "SCORING_TERMINATION_LOG": "file for the last words (/dev/termination-log)",
}


def parser() -> argparse.ArgumentParser:
    """Of a command line that is empty, or asks for help."""
    width = max(map(len, VARIABLES))
    lines = "\n".join(f"  {name:{width}}  {text}" for name, text in VARIABLES.items())
    return argparse.ArgumentParser(
        prog="scoring-server",
        description="Serve a model over HTTP until SIGTERM.",
        epilog=f"environment variables, and what they are unless set:\n{lines}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
