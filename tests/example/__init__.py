"""What a team that builds on payers writes: an app, and its tests against the sandbox."""
