"""A world apart from the stores of the simulator: figures are made on it, nothing is learnt from it."""
