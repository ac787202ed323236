"""What tools that wait for a resource make of its status: Argo CD, Flux, Helm."""
