"""Tests of model artefacts: what is written can be opened, and nothing else can."""
