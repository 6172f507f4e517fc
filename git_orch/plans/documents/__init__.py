"""The documents of a plan: its idea, its spec, and the words for how far they are."""
