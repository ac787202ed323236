"""Tests: unit tests per package, the embedded Kubernetes, and end-to-end tests on it."""
