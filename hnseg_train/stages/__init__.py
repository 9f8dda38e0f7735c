"""Training as stages from labelled CTs to a bundle with evidence, each skipped when nothing changed."""
