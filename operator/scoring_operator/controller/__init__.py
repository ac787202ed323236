"""The level-triggered core: what the watches delivered, the work queue, and one look at a key."""
