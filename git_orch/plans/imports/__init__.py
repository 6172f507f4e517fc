"""Plans that other tools keep in files, read as plans of git-orch."""
