"""Does a mask look like a patient's? Measured against the patients that the bundle was trained on."""
