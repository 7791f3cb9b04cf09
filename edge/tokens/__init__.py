"""Who calls: which tokens are good, by which keys, and how those keys are kept up to date."""
