"""Tests of FAQ matching: training, the serving form, the data files and the command line."""
