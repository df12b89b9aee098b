"""What people allow apps: consents, the grants that follow from them, and the codes and tokens of each grant.

Codes and tokens are stored as SHA-256: a copy of these tables redeems nothing.
"""
