"""What docker-compose.ha.yml and deploy/ha hold, and what its scripts do with real servers."""
