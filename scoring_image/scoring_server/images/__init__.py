"""Image classification: decode, preprocess, infer; and the tools that make and judge a model."""
