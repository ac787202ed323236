"""Attacks on parsers, made by code: bodies, HTTP itself, bombs, damaged images, canary secrets."""
