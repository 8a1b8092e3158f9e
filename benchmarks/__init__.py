"""Figures, one command each: `python -m benchmarks.decode`. README.md says what each shows."""
