"""What every process does as it starts: learn which servers it talks to, and whether they are what it needs."""
