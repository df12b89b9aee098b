"""What each stage of the line costs in this process, without sockets: as ratios to work that never changes."""
