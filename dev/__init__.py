"""What developers run: the whole system as a table, the offline model server, and the tools around them."""
