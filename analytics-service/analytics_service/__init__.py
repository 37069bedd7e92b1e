"""What it cost: usage events and their rollups, derived from chat's ledger."""
