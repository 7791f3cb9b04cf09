"""Password hashes that other systems made: which may be imported. No library is asked, since each accepts too much."""
