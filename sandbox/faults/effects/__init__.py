"""The vocabulary: one frozen, callable model per verb. A new verb is a class in one of these files."""
