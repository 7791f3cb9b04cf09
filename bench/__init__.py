"""Benchmarks: the whole service, what its machine could do at best, and peers, paired in one run."""
