"""What crosses the wire, one file per family of paths; request bodies forbid unknown fields."""
