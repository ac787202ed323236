"""The Kubernetes client, credentials and leader election, against small servers and fakes."""
