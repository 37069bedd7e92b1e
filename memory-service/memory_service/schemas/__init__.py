"""What crosses the wire, one file per family; request bodies forbid unknown fields."""
