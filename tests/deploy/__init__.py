"""The product on a cluster: its images, built and loaded, and its chart. Standard library only."""
