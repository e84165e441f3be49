"""Claims held against a reference: what rounding can explain, whose fault the rest is, and the verdict."""
