"""The map: a model's view of a repository before it looks itself. Whoever calls has read the files;
here they are ranked by the words of a task and cut to a number of tokens.
"""
