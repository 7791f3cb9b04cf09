"""Password hashes of other products, as strings that the service takes as `passwordHash`."""
