"""What every process does as it starts: learn from its environment which servers it talks to, and what it needs of them."""
