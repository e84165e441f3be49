"""NumPy code, run on torch: autograd differentiates it, and bounds follow it."""
