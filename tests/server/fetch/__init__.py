"""Tests of the download, the unpacking and the scoring-fetch command."""
