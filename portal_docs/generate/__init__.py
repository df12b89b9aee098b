"""From the catalogue to Markdown: what stands on the generated pages."""
