"""The HTTP side: checks the token, seals the request, puts it on the queue, and reads outcomes back."""
