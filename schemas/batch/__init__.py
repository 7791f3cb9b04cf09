"""Batches as they cross a process boundary: how a body is cut into chunks, what a chunk holds, what its results are."""
