"""Exposure for real: Traefik as ingress controller and as Gateway, certificates of a test CA."""
