"""The operator under faults: a proxy in front of the real API server, oracles, and plans."""
