"""Sluss as a candidate: catalogue, accounts, processes, and what a change of them costs."""
