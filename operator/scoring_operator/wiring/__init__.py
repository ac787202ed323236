"""The process: settings, informers on kopf, leader election, workers, health, metrics and logs."""
