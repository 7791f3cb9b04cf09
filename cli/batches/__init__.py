"""Shows and cancels the caller's batches. Asks the service over HTTP, and knows nothing of files."""
