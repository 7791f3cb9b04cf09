"""The Celery side: opens the request, validates it, hashes the password, stores the customer, writes the outcome."""
