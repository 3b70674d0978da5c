"""What the flow tests are written with: a running payer and a small SMART app."""
