"""HTTP: the API, the staff page and the metrics."""
