"""What is kept of an exchange: its entry in the journal, and for some a record with request and response."""
