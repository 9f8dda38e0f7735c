"""OpenKBP's head-and-neck CTs and contours as cases in StructSeg's layout."""
