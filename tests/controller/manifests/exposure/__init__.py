"""Tests of the manifests that expose a service."""
