"""The side-by-side measurement behind `make bench`. No tests stand here; pytest collects none of it."""
