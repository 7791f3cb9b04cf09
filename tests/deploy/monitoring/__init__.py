"""The dashboards and alert rules, held against the metrics that were recorded of a real run."""
