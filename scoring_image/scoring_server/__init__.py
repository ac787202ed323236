"""The shared scoring server: FAQ matching and image classification behind POST /score."""
