"""The one error of a model that cannot be served."""


class ModelLoadError(Exception):
    """A model artefact is missing, damaged, hostile or not for this server.

    The message is one line that a person can act on: it ends up in the log, in the container's
    termination message and in the condition of the ScoringService.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))
