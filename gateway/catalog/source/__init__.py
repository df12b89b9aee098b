"""From bytes on disk to plain values that still know their line: YAML, schemas, variables, overlays."""
