"""What people prove themselves with beside a password, the half-way station of a sign-in, and links sent by letter."""
