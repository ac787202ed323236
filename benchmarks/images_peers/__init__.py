"""The image servers that `benchmarks.images` compares with, over the same model and decoder."""
