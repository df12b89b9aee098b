"""The commands themselves, one file per group; what they share lies beside this folder."""
