"""People sign in: sessions and what ends with them, the second step, passkeys, links by letter."""
