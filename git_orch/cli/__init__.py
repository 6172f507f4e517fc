from git_orch import own_imports

own_imports.restrict()  # before anything that is not ours is imported
