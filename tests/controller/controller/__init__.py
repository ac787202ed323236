"""The work queue, the store, and one look at a resource."""
