"""Tests of settings and of real server processes on loopback."""
