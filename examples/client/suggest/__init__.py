"""An example application: known questions are suggested while a person types a new one."""
