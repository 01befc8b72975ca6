"""Compiled CPU kernels; numba is imported here and nowhere else, on the first use of a kernel."""
