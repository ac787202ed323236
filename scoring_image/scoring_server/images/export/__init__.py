"""Making an image artefact from torch weights; part of the build, never of the CPU image."""
