"""What memory finds, keeps and forgets, measured."""
