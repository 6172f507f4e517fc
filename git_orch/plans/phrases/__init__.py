"""Sentences that people type, and the commands that they mean."""
