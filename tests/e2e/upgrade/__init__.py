"""The release before this one, as it was built, and the way from it to this one."""
