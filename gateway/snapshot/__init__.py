"""The one frozen value the line reads: made whole from files and rows, then swapped."""
