"""How well a prediction agrees with a reference: scores per organ, means over cases, tables."""
