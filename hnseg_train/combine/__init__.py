"""One bundle of several: each organ from the model that is best at it, or best at a CT's resolution."""
