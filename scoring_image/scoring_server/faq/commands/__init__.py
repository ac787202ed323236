"""The commands of `scoring-faq`: each adds its options, does its work and gives lines to print."""
