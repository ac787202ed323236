"""`python -m tests.reliability`: write docs/reliability.md."""

from tests.reliability.document import DOCUMENT, document
from tests.reliability.figures import recorded

DOCUMENT.write_text(document(recorded()), encoding="utf-8")
