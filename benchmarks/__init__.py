"""Figures of the ledger, one command each: `python -m benchmarks.ledger_size`. README.md says what each shows."""
