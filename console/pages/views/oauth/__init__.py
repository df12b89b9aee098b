"""Pages on the way of an app that acts for a person: consent, devices, logout, and what apps hold."""
