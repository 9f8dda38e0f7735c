"""The picture of a case: three planes through the organs with their outlines."""
