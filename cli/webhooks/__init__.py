"""`customer-intake webhooks`: endpoints of events, looked after and tried out."""
