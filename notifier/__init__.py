"""The notifier: sends events to the endpoints that want them, as webhooks. It has no key that opens a request."""
