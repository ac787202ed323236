"""The instrument itself is tested: the proxy does what a plan tells it to."""
