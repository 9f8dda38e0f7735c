"""Several trainings on the same cases to one bundle, each organ from the model that was best at it."""
