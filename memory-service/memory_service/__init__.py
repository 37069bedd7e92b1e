"""What is remembered: the archive of turns, the episodes folded from them, facts with their sources."""
