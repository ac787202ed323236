"""End-to-end tests on a node that runs pods: the chart, the images, the examples, real requests."""
