"""The SMART API answers under /auth: authorization, tokens, registration, discovery, the payer's brand.

May import: `web` and what is below it. Source: SMART App Launch 2.2.0, RFC 6749, RFC 7591.
"""
