"""The scoring server under load and faults: every request is in a ledger, and none may be lost."""
