"""Readers and writers: path on one side, domain objects on the other. Integrity is checked here."""
