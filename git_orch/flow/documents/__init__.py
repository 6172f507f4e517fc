"""From an idea to a spec: the deeds of the commands for documents."""
