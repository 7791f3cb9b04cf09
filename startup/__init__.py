"""What every process does as it starts: it reads its settings, sets up logs and signals, and checks its Redis."""
